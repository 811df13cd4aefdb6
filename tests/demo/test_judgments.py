"""Thumbs in files that `evaluate` reads."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.demo.judgments import JudgmentFiles
from fitrank_tf.evaluation.run import given_queries
from fitrank_tf.evaluation.trec import read_qrels, read_queries


def test_judging_again_replaces_and_none_takes_back(tmp_path) -> None:
    files = JudgmentFiles(tmp_path / "new")
    assert files.judge("red\tshirt", "a/1", 1) == {"a/1": 1}
    assert files.judge(" red shirt", "b", 0) == {"a/1": 1, "b": 0}
    assert files.judge("red shirt", "a/1", 0) == {"a/1": 0, "b": 0}
    assert files.judge("blue", "b", 1) == {"b": 1}
    assert files.judge("red shirt", "b", None) == {"a/1": 0}
    assert read_queries(tmp_path / "new/queries.tsv") == {
        "q0001": "red shirt",
        "q0002": "blue",
    }
    assert read_qrels(tmp_path / "new/judgments.qrels") == {
        "q0001": {"a/1": 0},
        "q0002": {"b": 1},
    }
    # What another process reads is the same.
    assert JudgmentFiles(tmp_path / "new").grades("red shirt") == {"a/1": 0}


def test_a_query_without_judgments_is_left_out(tmp_path) -> None:
    files = JudgmentFiles(tmp_path)
    files.judge("red", "a", 1)
    files.judge("blue", "a", 1)
    files.judge("red", "a", None)
    assert read_queries(tmp_path / "queries.tsv") == {"q0002": "blue"}
    assert files.judge("green", "a", 1) == {"a": 1}
    assert set(read_queries(tmp_path / "queries.tsv").values()) == {"blue", "green"}
    files.judge("green", "a", None)
    files.judge("blue", "a", None)
    assert files.grades("blue") == {}


def test_grades_of_other_tools_are_kept(tmp_path) -> None:
    (tmp_path / "queries.tsv").write_text("x\tred shirt\ny\tnobody judged this\n")
    (tmp_path / "judgments.qrels").write_text("x 0 a 3\n")
    JudgmentFiles(tmp_path).judge("red shirt", "b", 1)
    assert read_qrels(tmp_path / "judgments.qrels") == {"x": {"a": 3, "b": 1}}
    assert set(read_queries(tmp_path / "queries.tsv")) == {"x", "y"}


def test_evaluate_reads_the_files(tmp_path) -> None:
    files = JudgmentFiles(tmp_path)
    files.judge("red shirt", "a", 1)
    files.judge("red shirt", "b", 0)
    given = given_queries(tmp_path / "queries.tsv", tmp_path / "judgments.qrels", 1)
    assert "red shirt" in str(given)


def test_many_at_once_lose_nothing(tmp_path) -> None:
    files = JudgmentFiles(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: files.judge(f"query {n % 5}", f"p{n}", n % 2), range(60)))
    qrels = read_qrels(tmp_path / "judgments.qrels")
    assert sum(map(len, qrels.values())) == 60 and len(qrels) == 5
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("judgment", "message"),
    [
        ((" ", "a", 1), "type one"),
        (("x", "a b", 1), "white space"),
        (("x", "", 1), "empty product id"),
        (("x", "a", 2), "grade 2"),
    ],
)
def test_what_files_cannot_hold_is_refused(tmp_path, judgment, message: str) -> None:
    with pytest.raises(FitRankError, match=message):
        JudgmentFiles(tmp_path).judge(*judgment)
    assert not list(tmp_path.iterdir())
