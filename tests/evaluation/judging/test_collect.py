"""Grades are collected from tables and compact files; what is wrong is named."""

import dataclasses
from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.judging.collect import collect, collect_second
from fitrank_tf.evaluation.judging.grades_file import extend, write_shown
from fitrank_tf.evaluation.trec import Request

REQUESTS = {"q1": Request("red shirt", "mostly red"), "q2": Request("socks")}
POOLS = {"q1": ["a", "b", "c", "d"], "q2": ["b"]}


def folder_of(
    path: Path, table: str = "", files: dict[str, str] | None = None, pools=POOLS
) -> Path:
    """A folder of sheets of three photos; `table` has a grade or a blank a product."""
    products = extend([], REQUESTS, pools, per_sheet=3)
    for place, digit in enumerate(table):
        if digit != " ":
            products[place] = dataclasses.replace(products[place], grade=int(digit))
    write_shown(path / "grades.csv", products)
    for name, text in (files or {}).items():
        (path / name).write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("table", "files"),
    [
        ("0120", {}),
        ("", {"grades.txt": "q1_1\t012\nq1_2\t0\n"}),
        ("", {"grades_anna.txt": "q1_1 01 2", "grades_ben.txt": "\n q1_2  0 \r\n"}),
        ("01", {"grades.txt": "q1_1\t012\nq1_2\t0\n", "notes.txt": "not read"}),
    ],
)
def test_all_ways_to_write_grades_are_the_same(table, files, tmp_path) -> None:
    judged = collect([folder_of(tmp_path, table, files)])
    assert judged.qrels() == {"q1": {"a": 0, "b": 1, "c": 2, "d": 0}}
    assert judged.queries() == {"q1": "red shirt"}
    assert len(judged.products) == 5


def test_folders_add_up(tmp_path) -> None:
    first = folder_of(tmp_path / "first", "0120 ")
    second = folder_of(tmp_path / "second", "33", pools={"q1": ["z"], "q2": ["b"]})
    judged = collect([first, second])
    assert judged.qrels() == {
        "q1": {"a": 0, "b": 1, "c": 2, "d": 0, "z": 3},
        "q2": {"b": 3},
    }
    assert list(judged.queries()) == ["q1", "q2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q1_1\t012\nq9_1\t0", r"line 2: \S+grades.csv has no sheet 'q9_1'; correct"),
        ("q1_1\t01", "line 1: 2 grades for the 3 photos of q1_1; write one digit"),
        ("q1_1\t0120", "line 1: 4 grades for the 3 photos"),
        ("q1_1", "line 1: 0 grades for the 3 photos"),
        ("\nq1_1\t014", "line 2: grade '4' of q1_1 number 3 is not 0, 1, 2 or 3; corr"),
        ("q1_1\t0-1", "line 1: grade '-' of q1_1 number 2"),
        ("q1_1\t012\nq1_1\t022", "line 2: q1_1 number 2 has grade 2, but 1 in .*line 1;"),
        ("", "grades.txt is empty"),
    ],
)
def test_a_wrong_line_is_named(text, message, tmp_path) -> None:
    folder = folder_of(tmp_path, files={"grades.txt": text})
    with pytest.raises(FitRankError, match=message) as caught:
        collect([folder])
    assert "grades.txt" in str(caught.value) and "\n" not in str(caught.value)


def test_two_grades_of_a_product_are_refused(tmp_path) -> None:
    folder = folder_of(tmp_path, " 1", {"grades.txt": "q1_1\t022"})
    with pytest.raises(
        FitRankError, match=r"grade 2, but 1 in \S+grades.csv, line 3; keep"
    ):
        collect([folder])
    other = folder_of(tmp_path / "other", "2", pools={"q1": ["b"], "q2": []})
    (tmp_path / "grades.txt").unlink()
    with pytest.raises(FitRankError, match="q1_1 number 1 has grade 2, but 1 in"):
        collect([folder, other])


def test_no_grade_and_other_requests_are_refused(tmp_path) -> None:
    folder = folder_of(tmp_path / "first")
    with pytest.raises(FitRankError, match="first: no grade; fill in the column grade"):
        collect([folder])
    other = folder_of(tmp_path / "other", "3")
    table = other / "grades.csv"
    table.write_text(table.read_text().replace("red shirt", "blue shirt"))
    with pytest.raises(FitRankError, match="query 'q1' is 'blue shirt', elsewhere 'red"):
        collect([folder, other])


@pytest.mark.parametrize("kind", ["folder", "table", "compact"])
def test_a_second_person_may_give_a_folder_or_a_file(kind, tmp_path) -> None:
    first = folder_of(tmp_path / "first", "0120")
    if kind == "compact":
        second = tmp_path / "ben.txt"
        second.write_text("q1_1\t321\n")
        expected = {"a": 3, "b": 2, "c": 1}
    else:
        # Another draw, in another order.
        second = folder_of(
            tmp_path / "second", "321", pools={"q1": ["d", "a", "c"], "q2": []}
        )
        second = second / "grades.csv" if kind == "table" else second
        expected = {"d": 3, "a": 2, "c": 1}
    judged = collect_second(second, [first])
    assert judged.qrels() == {"q1": expected}


def test_a_compact_file_about_two_folders_is_refused(tmp_path) -> None:
    path = tmp_path / "ben.txt"
    path.write_text("q1_1\t321\n")
    with pytest.raises(FitRankError, match="which of 2 folders its sheets are in; put it"):
        collect_second(path, [tmp_path, tmp_path])
