"""Each measure against its definition, written again in plain Python."""

import random
from collections.abc import Mapping, Sequence

import ir_measures
import pytest
import pytrec_eval

from fitrank_tf.evaluation.benchmark.measures import CUTS, measure_queries, trapezoidal_ap
from fitrank_tf.evaluation.trec import strict_run
from tests.evaluation.benchmark.definitions import by_definition

Qrels = Mapping[str, Mapping[str, int]]
Run = Mapping[str, Sequence[tuple[str, float]]]
_DOCUMENTS = [f"d{number}" for number in range(40)]


def random_case(seed: int) -> tuple[Run, Qrels]:
    """Rankings of 0 to 40 documents, with ties, of some judged and one unjudged query."""
    draw = random.Random(seed)
    qrels, run = {}, {"unjudged": [("d1", 1.0), ("d2", 0.5)]}
    for number in range(12):
        query = f"q{number}"
        qrels[query] = dict.fromkeys(draw.sample(_DOCUMENTS, draw.choice([1, 2, 5, 20])), 1)
        if number == 3:
            continue  # a query without results
        ranking = draw.sample(_DOCUMENTS, draw.choice([0, 1, 7, 12, 40]))
        # Scores of one digit: many are equal, and the order of the list is the truth.
        scores = sorted((round(draw.random(), 1) for _ in ranking), reverse=True)
        run[query] = list(zip(ranking, scores))
    return run, qrels


@pytest.mark.parametrize("seed", range(5))
def test_every_measure_is_what_its_definition_says(seed: int) -> None:
    run, qrels = random_case(seed)
    measured = measure_queries(run, qrels, list(CUTS))
    assert list(measured) == list(CUTS)
    for name, of_queries in measured.items():
        assert list(of_queries) == list(qrels), name
        for query, relevant in qrels.items():
            ranking = [document for document, _ in run.get(query, ())]
            expected = by_definition(name, ranking, set(relevant))
            assert of_queries[query] == pytest.approx(expected, abs=1e-9), (name, query)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("R@10", "recall_10"),
        ("hit@5", "success_5"),
        ("P@1", "P_1"),
        ("P@30", "P_30"),
        ("MAP@10", "map_cut_10"),
    ],
)
def test_measures_of_pytrec_eval_are_the_same(name: str, theirs: str) -> None:
    run, qrels = random_case(7)
    family, _, cut = theirs.rpartition("_")
    evaluator = pytrec_eval.RelevanceEvaluator(dict(qrels), {f"{family}.{cut}"})
    found = evaluator.evaluate(strict_run(run))
    measured = measure_queries(run, qrels, [name])[name]
    for query, value in measured.items():
        assert value == pytest.approx(found.get(query, {theirs: 0.0})[theirs]), query


def test_mrr_is_that_of_ir_measures() -> None:
    run, qrels = random_case(8)
    found = ir_measures.calc_aggregate([ir_measures.RR @ 10], qrels, strict_run(run))
    measured = measure_queries(run, qrels, ["MRR@10"])["MRR@10"]
    assert sum(measured.values()) / len(measured) == pytest.approx(
        found[ir_measures.RR @ 10]
    )


def test_holidays_example() -> None:
    # By hand: (1 + 1) / 2 / 2 and (1 / 2 + 2 / 3) / 2 / 2.
    assert trapezoidal_ap([0, 2], 2) == pytest.approx(0.7917, abs=5e-5)
    run = {"q": [("a", 0.9), ("x", 0.8), ("b", 0.8)]}
    measured = measure_queries(run, {"q": {"a": 1, "b": 1}}, ["mAP"])
    assert measured == {"mAP": {"q": pytest.approx(19 / 24)}}


def test_a_relevant_document_that_was_not_found_counts() -> None:
    assert trapezoidal_ap([0], 2) == 0.5
    assert trapezoidal_ap([], 2) == 0.0


def test_a_mean_is_measured_without_its_parts() -> None:
    run, qrels = {"q": [("a", 1.0), ("b", 0.5)]}, {"q": {"a": 1, "b": 1}}
    measured = measure_queries(run, qrels, ["AvgP", "AvgR"])
    assert measured == {"AvgP": {"q": 0.6}, "AvgR": {"q": 0.75}}
