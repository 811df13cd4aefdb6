"""TREC files: what is written reads back, and what is malformed is named."""

import numpy as np
import pytest
import pytrec_eval

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.trec import (
    Request,
    read_qrels,
    read_queries,
    read_requests,
    read_run,
    strict_run,
    write_qrels,
    write_queries,
    write_run,
)
from tests.evaluation.run_files import read_run as read_run_elsewhere

# Each ranking is hard to carry by scores alone.
RANKINGS = {
    "falling": [("a", 0.9), ("b", 0.5), ("c", -0.25)],
    "all equal": [("b", 0.5), ("c", 0.5), ("a", 0.5), ("d", 0.5)],
    "equal zeros": [("a", 0.0), ("c", 0.0), ("b", 0.0)],
    "negative": [("a", -0.5), ("b", -0.5), ("c", -0.5)],
    "equal at float32 only": [("a", 0.5 + 1e-12), ("b", 0.5), ("c", 0.5 - 1e-12)],
    "a tie above a close score": [("a", 1.0), ("b", 1.0), ("c", 1.0 - 2**-24)],
    "large": [("a", 3e38), ("b", 3e38)],
    "unicode ids": [("ä-1", 0.5), ("衬衫", 0.5)],
}


@pytest.mark.parametrize("ranking", RANKINGS.values(), ids=RANKINGS)
def test_a_run_keeps_its_order_through_the_file_and_in_pytrec_eval(tmp_path, ranking):
    write_run(tmp_path / "x.run", {"q": ranking}, "clip")
    read = read_run(tmp_path / "x.run")
    order = [item for item, _ in ranking]
    for found in (read, read_run_elsewhere(tmp_path / "x.run")):
        assert [item for item, _ in found["q"]] == order
    # With one item judged relevant, its reciprocal rank is its place.
    for place, item in enumerate(order, start=1):
        evaluator = pytrec_eval.RelevanceEvaluator({"q": {item: 1}}, {"recip_rank"})
        assert evaluator.evaluate({"q": dict(read["q"])})["q"]["recip_rank"] == 1 / place


@pytest.mark.parametrize("ranking", RANKINGS.values(), ids=RANKINGS)
def test_written_scores_are_distinct_float32_near_the_given_ones(tmp_path, ranking):
    write_run(tmp_path / "x.run", {"q": ranking}, "clip")
    written = np.array(
        [score for _, score in read_run(tmp_path / "x.run")["q"]], np.float32
    )
    assert (written[1:] < written[:-1]).all()
    given = np.array([score for _, score in ranking], np.float32)
    np.testing.assert_allclose(written, given, rtol=1e-6, atol=1e-40)
    assert written[0] == given[0]


def test_falling_scores_are_written_to_the_last_bit(tmp_path):
    scores = np.sort(np.random.default_rng(0).normal(size=300).astype(np.float32))[::-1]
    ranking = [(f"i{n}", float(score)) for n, score in enumerate(scores)]
    write_run(tmp_path / "x.run", {"q": ranking}, "clip")
    read = np.array([score for _, score in read_run(tmp_path / "x.run")["q"]], np.float32)
    np.testing.assert_array_equal(read, scores)


def test_a_run_of_others_comes_in_trec_evals_order(tmp_path):
    """By score, whatever its lines and ranks say; equal scores by falling id."""
    lines = ["q Q0 b 1 0.5 x", "q Q0 c 2 0.75 x", "q2 Q0 a 1 -1 x", "q Q0 d 3 0.5 x"]
    (tmp_path / "x.run").write_text("\n".join(lines))
    expected = {"q": [("c", 0.75), ("d", 0.5), ("b", 0.5)], "q2": [("a", -1.0)]}
    assert read_run(tmp_path / "x.run") == expected
    assert read_run_elsewhere(tmp_path / "x.run") == expected


def test_a_run_line_is_the_six_trec_columns(tmp_path):
    write_run(tmp_path / "x.run", {"q1": [("a", 0.75), ("b", 0.5)], "q2": []}, "clip")
    text = (tmp_path / "x.run").read_text()
    assert text == "q1 Q0 a 1 0.75 clip\nq1 Q0 b 2 0.5 clip\n"


def test_qrels_come_back(tmp_path):
    qrels = {"q1": {"a": 4, "b": 0}, "q2": {"a": 2}}
    write_qrels(tmp_path / "x.qrels", qrels)
    assert (tmp_path / "x.qrels").read_text() == "q1 0 a 4\nq1 0 b 0\nq2 0 a 2\n"
    assert read_qrels(tmp_path / "x.qrels") == qrels


def test_queries_with_byte_order_mark_and_windows_line_ends(tmp_path):
    text = "\ufeffq1\tred check shirt\r\n\r\nq2\tchemise à carreaux\r\n"
    (tmp_path / "q.tsv").write_bytes(text.encode("utf-8"))
    queries = read_queries(tmp_path / "q.tsv")
    assert queries == {"q1": "red check shirt", "q2": "chemise à carreaux"}


def test_queries_come_back(tmp_path):
    queries = {"q1": "red check shirt", "q2": "chemise à carreaux"}
    write_queries(tmp_path / "q.tsv", queries)
    assert read_queries(tmp_path / "q.tsv") == queries
    with pytest.raises(FitRankError, match="query id 'q 1' holds white space"):
        write_queries(tmp_path / "q.tsv", {"q 1": "red"})


def test_requests_may_say_what_is_wanted(tmp_path):
    (tmp_path / "q.tsv").write_text("q1\tsomething dry\tproof against rain\nq2\tred\n")
    assert read_requests(tmp_path / "q.tsv") == {
        "q1": Request("something dry", "proof against rain"),
        "q2": Request("red"),
    }


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"q 1": [("a", 1.0)]}, "query id 'q 1' holds white space"),
        ({"q": [("a\u00a0b", 1.0)]}, r"item id 'a\\xa0b' holds white space"),
        ({"q": [("a\n", 1.0)]}, "item id 'a\\\\n' holds white space"),
        ({"q": [("", 1.0)]}, "empty item id"),
        ({"q": [("a", 1.0), ("a", 0.5)]}, "'a' stands twice in the results of query 'q'"),
    ],
)
def test_refuses_ids_that_break_the_file(tmp_path, run, message):
    with pytest.raises(FitRankError, match=message):
        write_run(tmp_path / "x.run", run, "clip")
    assert list(tmp_path.iterdir()) == []


def test_refuses_qrels_ids_and_system_names_with_spaces(tmp_path):
    with pytest.raises(FitRankError, match="item id 'a b'"):
        write_qrels(tmp_path / "x.qrels", {"q": {"a b": 1}})
    with pytest.raises(FitRankError, match="system name 'my clip'"):
        write_run(tmp_path / "x.run", {}, "my clip")


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf")])
def test_a_score_that_is_no_number_is_a_bug(score):
    with pytest.raises(ValueError, match="score 2 of a ranking"):
        strict_run({"q": [("a", 1.0), ("b", score)]})


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_queries, b"", "is empty; write at least one line"),
        (read_queries, b"\n \n", "is empty"),
        (read_queries, b"q1 red shirt\n", r"line 1: 1 column.s. .* one tab"),
        (read_queries, b"q1\tred\tshirt\n", r"line 1: 3 column.s."),
        (read_queries, b"q1\tred\n\tshirt\n", "line 2: an empty query id"),
        (read_queries, b"q1\tred\nq 2\tshirt\n", "line 2: query id 'q 2' holds white"),
        (read_queries, b"q1\t \n", "line 1: query 'q1' has no text; write one"),
        (read_queries, b"q1\ta\n\nq1\tb\n", "line 3: query id 'q1' again; give"),
        (read_queries, b"q1\ta\nq2\t\xff\n", "line 2: not UTF-8; save the file as UTF-8"),
        (read_requests, b"q1\n", r"line 1: 1 column.s. where .*<TAB>want has 2 or 3"),
        (read_requests, b"q1\ta\tb\tc\n", r"line 1: 4 column.s."),
        (read_run, b"q Q0 a 1 0.5\n", "line 1: 5 column.s. where 'query_id Q0 item_id"),
        (read_run, b"q Q0 a 1 nan x\n", "line 1: score 'nan' is not a finite number"),
        (read_run, b"q Q0 a 1 x x\n", "line 1: score 'x' is not a finite number"),
        (read_run, b"q Q0 a 1 2 x\nq Q0 a 2 1 x\n", "line 2: item 'a' of query 'q' ag"),
        (read_qrels, b"", "is empty"),
        (read_qrels, b"q1 0 a\n", "line 1: 3 column.s. where 'query_id 0 item_id grade'"),
        (read_qrels, b"q1 0 a 1\nq1 0 b 1.5\n", "line 2: grade '1.5' is not a whole"),
        (read_qrels, b"q1 0 a -1\n", "line 1: grade '-1' is not a whole number of 0"),
        (read_qrels, b"q1 0 a x\n", "line 1: grade 'x'"),
        (read_qrels, b"q1 0 a 1\nq1 0 a 1\n", "line 2: item 'a' of query 'q1' is judged"),
        (read_qrels, b"\xfe\n", "line 1: not UTF-8"),
    ],
)
def test_names_file_line_and_mend(tmp_path, read, content, message):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(FitRankError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("read", [read_queries, read_qrels])
def test_a_missing_file_or_a_folder(tmp_path, read):
    with pytest.raises(FitRankError, match=r"none\.txt: No such file"):
        read(tmp_path / "none.txt")
    with pytest.raises(FitRankError, match="Is a directory"):
        read(tmp_path)
