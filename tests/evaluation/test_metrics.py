"""Measures against hand calculation, pytrec_eval itself and the command line."""

import logging
import math
import shlex
import subprocess
import sys

import numpy as np
import pytest
import pytrec_eval

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.metrics import (
    MEASURES,
    evaluate_queries,
    evaluate_run,
    ir_measures_command,
)
from fitrank_tf.evaluation.trec import strict_run, write_qrels, write_run

# shirt: rank 1 not relevant, rank 2 exact, rank 3 partial; one exact item missed.
# shoe: judged, nothing returned. hat: no exact item exists, the partial one is first.
QRELS = {
    "shirt": {"a": 0, "b": 4, "c": 2, "e": 4},
    "shoe": {"s": 4},
    "hat": {"h": 2},
}
RUN = {"shirt": [("a", 0.9), ("b", 0.8), ("c", 0.7), ("d", 0.6)], "hat": [("h", 0.1)]}

# DCG = 4 / log2(3) + 2 / log2(4); the best order is 4, 4, 2, 0.
SHIRT_NDCG = (4 / math.log2(3) + 2 / 2) / (4 / 1 + 4 / math.log2(3) + 2 / 2)
ZERO = dict.fromkeys(MEASURES, 0.0)

BY_HAND = {
    # Relevant are b (rank 2) and e (missed).
    4: {
        "shirt": {
            "R@1": 0.0,
            "R@10": 1 / 2,
            "P@10": 1 / 10,
            "mAP": (1 / 2) / 2,
            "nDCG@10": SHIRT_NDCG,
            "RR": 1 / 2,
        },
        "shoe": ZERO,
        # No item of grade 4: 0 in all binary measures; nDCG has its best order.
        "hat": ZERO | {"nDCG@10": 1.0},
    },
    # Relevant are b (rank 2), c (rank 3) and e (missed).
    2: {
        "shirt": {
            "R@1": 0.0,
            "R@10": 2 / 3,
            "P@10": 2 / 10,
            "mAP": (1 / 2 + 2 / 3) / 3,
            "nDCG@10": SHIRT_NDCG,
            "RR": 1 / 2,
        },
        "shoe": ZERO,
        "hat": {"R@1": 1, "R@10": 1, "P@10": 0.1, "mAP": 1, "nDCG@10": 1, "RR": 1},
    },
}


@pytest.mark.parametrize("grade", BY_HAND)
def test_equals_the_calculation_by_hand(grade):
    values = evaluate_queries(RUN, QRELS, grade)
    assert list(values) == list(QRELS)
    for query_id, expected in BY_HAND[grade].items():
        assert values[query_id] == pytest.approx(expected)
    means = evaluate_run(RUN, QRELS, grade)
    assert tuple(means) == MEASURES
    for name in MEASURES:
        by_hand = sum(query[name] for query in BY_HAND[grade].values()) / 3
        assert means[name] == pytest.approx(by_hand)


def random_case(seed: int) -> tuple[dict, dict]:
    """A run over 30 items with many equal scores, and qrels with grades 0 to 4."""
    rng = np.random.default_rng(seed)
    items = [f"i{n}" for n in range(30)]
    run, qrels = {}, {}
    for number in range(12):
        order = rng.permutation(items)[:20]
        scores = np.sort(rng.integers(0, 5, size=20) / 4)[::-1]
        run[f"q{number}"] = list(zip(order.tolist(), scores.tolist()))
        judged = rng.choice(items, size=10, replace=False).tolist()
        grades = rng.choice(5, size=10, p=[0.4, 0.2, 0.2, 0.1, 0.1]).tolist()
        qrels[f"q{number}"] = dict(zip(judged, grades))
    return run, qrels


@pytest.mark.parametrize("grade", [1, 3, 4])
def test_equals_pytrec_eval(grade):
    run, qrels = random_case(grade)
    # Distinct scores that follow the order, made without our own code.
    scored = {
        q: {item: float(len(ranking) - n) for n, (item, _) in enumerate(ranking)}
        for q, ranking in run.items()
    }
    names = {
        "R@1": "recall_1",
        "R@10": "recall_10",
        "P@10": "P_10",
        "mAP": "map",
        "nDCG@10": "ndcg_cut_10",
        "RR": "recip_rank",
    }
    evaluator = pytrec_eval.RelevanceEvaluator(
        qrels, {"recall.1,10", "P.10", "map", "ndcg_cut.10", "recip_rank"}, grade
    )
    reference = evaluator.evaluate(scored)
    values = evaluate_queries(run, qrels, grade)
    for query_id, expected in reference.items():
        for ours, theirs in names.items():
            assert values[query_id][ours] == pytest.approx(expected[theirs])


def test_equal_scores_count_in_the_order_given():
    # trec_eval alone would rank equal scores by falling id: b before a.
    run = {"q": [("a", 0.5), ("b", 0.5)]}
    assert evaluate_run(run, {"q": {"a": 4}}, 4)["RR"] == 1.0
    assert evaluate_run(run, {"q": {"b": 4}}, 4)["RR"] == 0.5


def test_the_files_give_the_same_numbers_on_the_command_line(tmp_path):
    run, qrels = random_case(0)
    run["unjudged"], run["q3"] = [("i1", 0.5)], []
    run_path, qrels_path = tmp_path / "a run.txt", tmp_path / "qrels.txt"
    write_run(run_path, run, "clip")
    write_qrels(qrels_path, qrels)
    command = shlex.split(ir_measures_command(qrels_path, run_path, 3))
    assert command[0] == "ir_measures"
    printed = subprocess.run(
        [sys.executable, "-m", *command, "--places", "-1"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    values = [float(line.split("\t")[1]) for line in printed.splitlines()]
    assert values == pytest.approx(list(evaluate_run(run, qrels, 3).values()), rel=1e-9)


def test_queries_without_judgments_are_reported_and_do_not_count(caplog):
    with caplog.at_level(logging.WARNING):
        means = evaluate_run(RUN | {"belt": [("x", 1.0)]}, QRELS, 4)
    assert means == evaluate_run(RUN, QRELS, 4)
    assert "1 of 3 queries of the run are not in the qrels" in caplog.text
    assert "belt" in caplog.text


@pytest.mark.parametrize("run", [{}, {"shirt": []}])
def test_a_run_without_results_is_all_zero(run):
    assert evaluate_run(run, QRELS, 4) == ZERO


def test_a_query_whose_judgments_are_empty_counts_as_zero():
    qrels = {"q": {"a": 4}, "r": {}}
    run = {"q": [("a", 1.0)], "r": [("a", 1.0)]}
    assert evaluate_run(run, qrels, 4)["RR"] == 0.5


@pytest.mark.parametrize("qrels", [{}, {"q": {}}])
def test_no_judgments(qrels):
    with pytest.raises(FitRankError, match="no judgments"):
        evaluate_run(RUN, qrels, 4)


def test_a_run_of_other_queries():
    with pytest.raises(FitRankError, match=r"none of the 1 queries .* 'other'"):
        evaluate_run({"other": [("a", 1.0)]}, QRELS, 4)


def test_refuses_grade_0_as_relevant():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        evaluate_run(RUN, QRELS, 0)


def test_the_strict_run_is_what_is_evaluated():
    # Twice the same item would count twice.
    with pytest.raises(FitRankError, match="stands twice"):
        evaluate_run({"shirt": [("b", 1.0), ("b", 0.9)]}, QRELS, 4)
    assert strict_run(RUN).keys() == RUN.keys()
