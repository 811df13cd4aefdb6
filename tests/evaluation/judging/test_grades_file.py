"""`grades.csv` comes back as it was written, and each damage to it is named."""

import dataclasses

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.judging.grades_file import (
    ShownProduct,
    by_sheet,
    extend,
    read_shown,
    write_shown,
)
from fitrank_tf.evaluation.trec import Request

RED = Request('red "party" shirt, für sie', "mostly red; not maroon")
REQUESTS = {"q1": RED, "q_2": Request("socks")}
HEAD = "sheet,number,query_id,product_id,grade,request,want"


def shown(grade: int | None = None) -> list[ShownProduct]:
    """Five products of q1 and one of q_2, two on a sheet; the second has a grade."""
    pools = {"q1": ["a", "b", "c", "d", "e"], "q_2": ["b"]}
    products = extend([], REQUESTS, pools, per_sheet=2)
    products[1] = dataclasses.replace(products[1], grade=grade)
    return products


def test_numbers_begin_anew_on_every_sheet() -> None:
    assert [(each.sheet, each.number, *each.key) for each in shown()] == [
        ("q1_1", 1, "q1", "a"),
        ("q1_1", 2, "q1", "b"),
        ("q1_2", 1, "q1", "c"),
        ("q1_2", 2, "q1", "d"),
        ("q1_3", 1, "q1", "e"),
        ("q_2_1", 1, "q_2", "b"),
    ]
    assert {each.grade for each in shown()} == {None}


def test_what_is_written_comes_back(tmp_path) -> None:
    path = tmp_path / "grades.csv"
    write_shown(path, shown(grade=3))
    assert list(read_shown(path).values()) == shown(grade=3)
    assert path.read_text(encoding="utf-8").splitlines()[0] == HEAD


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_a_spreadsheet_may_sort_it_and_save_it_its_own_way(encoding, tmp_path) -> None:
    path = tmp_path / "grades.csv"
    rows = [
        'q1_1;2;q1;b;0;"red ""party"" shirt, für sie";mostly red, not maroon',
        'q1_1;1;q1;a;;"red ""party"" shirt, für sie";mostly red, not maroon',
        ";;;;;;",
    ]
    text = "\r\n".join([HEAD.replace(",", ";"), *rows, ""])
    path.write_bytes(text.encode(encoding))
    read = read_shown(path)
    assert [(line, each.number, each.grade) for line, each in read.items()] == [
        (2, 2, 0),
        (3, 1, None),
    ]
    [products] = by_sheet(read.values()).values()
    assert [each.product_id for each in products] == ["a", "b"]
    assert products[0].request.text == RED.text


def test_what_sheets_show_stays_and_new_products_come_on_new_sheets() -> None:
    old = shown(grade=2)
    pools = {"q1": ["z", "e", "y", "x"], "q_2": ["b"]}
    extended = extend(old, REQUESTS, pools, per_sheet=2)
    assert extended[: len(old)] == old
    assert [
        (each.sheet, each.number, each.product_id) for each in extended[len(old) :]
    ] == [
        ("q1_4", 1, "z"),
        ("q1_4", 2, "y"),
        ("q1_5", 1, "x"),
    ]


@pytest.mark.parametrize(
    ("requests", "pools", "message"),
    [
        ({"a/b": RED}, {"a/b": ["x"]}, "'a/b' cannot name a sheet's file"),
        ({"a\\b": RED}, {"a\\b": ["x"]}, "cannot name a sheet's file; take out"),
        ({"q1": Request("blue")}, {"q1": []}, "'blue', but the sheets that exist show"),
    ],
)
def test_other_requests_and_impossible_names_are_refused(requests, pools, message) -> None:
    with pytest.raises(FitRankError, match=message):
        extend(shown(), requests, pools, per_sheet=2)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["q_1,1,q,a,4,t,"], "line 2: grade '4' of q_1 number 1 is not 0, 1, 2 or 3; cor"),
        (["q_1,1,q,a,1,t,", "q_1,2,q,b,x,t,"], "line 3: grade 'x' of q_1 number 2"),
        (["q_1,1,q,a,1"], "line 2: 5 cells, not 7"),
        (["q_1,1,r,a,1,t,"], "line 2: sheet 'q_1', number '1', query 'r'.* undo"),
        (["q_1,one,q,a,1,t,"], "number 'one'.* is no place of a sheet"),
        (["q_1,1,q,,1,t,"], "product '' is no place of a sheet"),
        (["q_1,1,q,a,,t,", "", "q_1,1,q,b,,t,"], "line 4: q_1 number 1 is .* in line 2"),
        (["q_1,1,q,a,,t,", "q_2,1,q,a,,t,"], "line 3: q_2 number 1 is .* in line 2"),
        (["q_1,1,q,a,,t,", "q_1,3,q,b,,t,"], "sheet q_1 has no number 2"),
    ],
)
def test_each_damage_is_named(rows, message, tmp_path) -> None:
    path = tmp_path / "grades.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    with pytest.raises(FitRankError, match=message) as caught:
        read_shown(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory; give a folder with sheets"),
        ("", "line 1: other columns; the first line must be sheet,number,query_id"),
        ("number,sheet\n", "line 1: other columns"),
    ],
)
def test_another_file_is_refused(content, message, tmp_path) -> None:
    path = tmp_path / "grades.csv"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(FitRankError, match=message):
        read_shown(path)
