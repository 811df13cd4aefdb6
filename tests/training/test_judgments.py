"""Judgments from files: what cannot be used is counted, never fatal."""

import logging
from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.queries.judged import JudgedQuery
from fitrank_tf.training.judgments import read_judgment_table, read_trec_judgments

TABLE = """\
Query,product,grade,weight
red shirt,a,3,1
red shirt,b,0,2.5
Red  shirt,a,3,1
red shirt,b,2,2.5
,c,1,1
blue shoe,,1,1
blue shoe,d,-1,1
blue shoe,d,good,1
blue shoe,d,1,0
blue shoe,d,1,1
"""


def _plain(queries: list[JudgedQuery]) -> dict[str, dict[str, tuple[float, float]]]:
    return {
        query.text: dict(zip(query.products, zip(query.grades, query.weights)))
        for query in queries
    }


def test_a_table_is_read_and_its_odd_rows_are_counted(tmp_path: Path, caplog) -> None:
    path = tmp_path / "judgments.csv"
    path.write_text(TABLE, encoding="utf-8")
    caplog.set_level(logging.INFO)
    assert _plain(read_judgment_table(str(path))) == {
        "red shirt": {"a": (3.0, 1.0), "b": (1.0, 2.5)},
        "blue shoe": {"d": (1.0, 1.0)},
    }
    said = [line.removeprefix(f"{path}: ") for line in caplog.messages]
    assert said == [
        "2 judgments without a query or a product: left out",
        "3 judgments whose grade or weight is no number, or below 0: left out",
        "1 judgments that say a grade again: counted once",
        "1 judgments of another grade for the same product: their mean counts",
        "3 judgments of 2 queries",
    ]


def test_trec_files_are_read_with_judgments_that_repeat(tmp_path: Path, caplog) -> None:
    queries, qrels = tmp_path / "q.tsv", tmp_path / "q.qrels"
    queries.write_text("q1\tred shirt\twant\nq2\tRED shirt\nq3\tbag\n", encoding="utf-8")
    qrels.write_text("q1 0 a 3\nq2 0 a 1\nq9 0 a 2\nq2 0 b 2\nq2 0 b 2\n", encoding="utf-8")
    found = _plain(read_trec_judgments(queries, qrels))
    assert found == {"red shirt": {"a": (2.0, 1.0), "b": (2.0, 1.0)}}
    warned = [told.message for told in caplog.records if told.levelname == "WARNING"]
    assert [line.split(": ", 1)[1].split(" judgments ")[0] for line in warned] == [*"111"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("query,item,grade\nq,a,1\n", "has no column 'product', but query, item, grade"),
        ("query,product,grade\nq,a,none\n", "has no judgment that can be used"),
    ],
)
def test_a_table_that_says_nothing_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "judgments.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FitRankError, match=says):
        read_judgment_table(str(path))
