"""CSV and TSV as shops and spreadsheets write them."""

import csv
import io

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.tables.delimited import (
    HEADER_AGAIN,
    MORE_CELLS,
    UNMATCHED_QUOTES,
    read_delimited,
)

HEADER = "id,text,colour\n"
GOOD = "5,Shoe,Red\n"


def rows_of(text: str, **options: str) -> list[list[str]]:
    return [list(row.cells) for row in read_delimited(text, "t.csv", **options)[1]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", "\x1f"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiter_and_line_ends_are_found_out(delimiter: str, end: str) -> None:
    cells = [["id", "text"], ["1", f"a, b; c | d {delimiter} e"], ["2", "x"]]
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator=end).writerows(cells)
    header, rows, found = read_delimited(file.getvalue(), "t.csv")
    assert [list(header), *(list(row.cells) for row in rows)] == cells
    assert [row.line for row in rows] == [2, 3]
    assert found == delimiter


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_line_that_names_the_delimiter(first: str) -> None:
    header, (row,), _ = read_delimited(f"{first}\r\nid,a;text\r\n1,b;x\r\n", "t.csv")
    assert (header, list(row.cells), row.line) == (("id,a", "text"), ["1,b", "x"], 3)


def test_the_delimiter_may_be_given() -> None:
    text = "id;name, long;price, EUR\n1;A, b;9,5\n"
    with pytest.raises(FitRankError, match="split by ',' or ';'; name one"):
        read_delimited(text, "t.csv")
    assert rows_of(text, delimiter=";") == [["1", "A, b", "9,5"]]


def test_delimiters_inside_texts_do_not_count() -> None:
    text = "id;text\n1;Shirt, red\n2;Hat, blue, wool\n3;Cap\n"
    assert rows_of(text) == [["1", "Shirt, red"], ["2", "Hat, blue, wool"], ["3", "Cap"]]


@pytest.mark.parametrize(
    "bad",
    [
        '4,"Red shirt,blue\n',
        '4,"Red" shirt,blue\n',
        '"4,Red shirt,"blue"\n',
        '4,Red shirt,"blue\n',
    ],
)
@pytest.mark.parametrize(
    "after",
    [
        "",
        GOOD,
        '5,"Hat, wool",Red\n',
        '5,Hat 15",Green\n',
        '5,"Hat ""15""",Green\n',
        '"5","Hat","Green"\n',
        '5,"Hat\nin two lines",Green\n',
    ],
)
def test_quotes_that_do_not_match_cost_their_own_row_alone(bad: str, after: str) -> None:
    expected = list(csv.reader(io.StringIO(HEADER + "1,Shirt,Red\n" + after)))[1:]
    _, rows, _ = read_delimited(f"{HEADER}1,Shirt,Red\n{bad}{after}", "t.csv")
    assert [list(row.cells) for row in rows if not row.problem] == expected
    ((line, problem),) = [(row.line, row.problem) for row in rows if row.problem]
    assert (line, problem) == (3, UNMATCHED_QUOTES)


def test_a_row_left_out_keeps_its_id() -> None:
    _, rows, _ = read_delimited(f'{HEADER}"4","Red shirt,blue\n{GOOD}', "t.csv")
    assert rows[0].cells[0] == "4"


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('1,"Shirt, ""slim""\nin red",Red', ["1", 'Shirt, "slim"\nin red', "Red"]),
        ('1,"Soft, warm, light\nnice, dry, cool",Red', None),
        ('1, "Shirt, slim", "Red"', ["1", "Shirt, slim", "Red"]),
        ('1,"Shirt 15\\" wide, slim",Red', ["1", 'Shirt 15" wide, slim', "Red"]),
        ('1,Shirt 15" wide,Red', ["1", 'Shirt 15" wide', "Red"]),
        ("1,Shirt\rslim,Red", ["1", "Shirt\rslim", "Red"]),
        ("1,Shirt", ["1", "Shirt", ""]),
        ("1,Shirt,Red,,  ,", ["1", "Shirt", "Red"]),
        ('"1,""Shirt, slim"",Red"', ["1", "Shirt, slim", "Red"]),
        ('"1,Shirt,Red",,', ["1,Shirt,Red", "", ""]),
        ('"1,Shirt"', ["1,Shirt", "", ""]),
        ("1,Sh\u2028i\x0brt,Red", ["1", "Sh\u2028i\x0brt", "Red"]),
    ],
)
def test_rows_that_a_person_would_read(line: str, cells: list[str] | None) -> None:
    _, rows, _ = read_delimited(f"{HEADER}{line}\n{GOOD}", "t.csv")
    expected = cells or next(csv.reader(io.StringIO(line)))
    assert [list(row.cells) for row in rows] == [expected, ["5", "Shoe", "Red"]]
    assert [row.problem for row in rows] == ["", ""]


def test_empty_lines_are_no_rows_and_count_as_lines() -> None:
    text = f"\0\n\n{HEADER}\n,,\n{GOOD}\n\0\0\0"
    _, rows, _ = read_delimited(text, "t.csv")
    assert [row.line for row in rows] == [6]


def test_surplus_cells() -> None:
    text = f"{HEADER}1,Shirt, red,Red\n{GOOD}"
    _, (first, second), _ = read_delimited(text, "t.csv")
    assert (first.problem, second.problem) == (MORE_CELLS, "")
    assert rows_of(text, surplus="text")[0] == ["1", "Shirt, red", "Red"]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ('"id","text"\n"1",7,"A"\n"2",8,"B, c"\n', [["1", "7", "A"], ["2", "8", "B, c"]]),
        ("id,text\n1,A, b\n2,C, d\n", [["1", "A"], ["2", "C"]]),
    ],
)
def test_row_names_of_r_are_a_column_of_their_own(text: str, cells: list) -> None:
    header, rows, _ = read_delimited(text, "t.csv")
    assert [list(row.cells) for row in rows] == cells
    assert [row.problem for row in rows] == ["" if len(header) == 3 else MORE_CELLS] * 2


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("1,Shirt,Red\r2,Hat,Blue", [["1", "Shirt", "Red"], ["2", "Hat", "Blue"]]),
        ('1,"A, b",Red\r2,Hat,Blue', [["1", "A, b", "Red"], ["2", "Hat", "Blue"]]),
        ("1,Shi\rrt,Red", [["1", "Shi\rrt", "Red"]]),
        ('1,"Shi\rrt, long",Red', [["1", "Shi\rrt, long", "Red"]]),
        ("1,Shirt,Red\r", [["1", "Shirt", "Red"]]),
    ],
)
def test_line_ends_of_an_old_mac_among_others(line: str, cells: list) -> None:
    assert rows_of(f"{HEADER}{line}\n{GOOD}") == [*cells, ["5", "Shoe", "Red"]]


def test_semicolons_of_entities_split_nothing() -> None:
    text = "id;text;colour\n1;Dolce &amp; Gabbana &#39;X&#39;;Red\n2;R&B;Blue\n"
    assert rows_of(text) == [
        ["1", "Dolce &amp; Gabbana &#39;X&#39;", "Red"],
        ["2", "R&B", "Blue"],
    ]


def test_header_repeated() -> None:
    _, rows, _ = read_delimited(HEADER + GOOD + HEADER + GOOD, "t.csv")
    assert [row.problem for row in rows] == ["", HEADER_AGAIN, ""]


@pytest.mark.parametrize("text", ["", " \n\n", "sep=;", "sep=;\n", "\0\0", ",,\n"])
def test_empty_files_are_refused(text: str) -> None:
    with pytest.raises(FitRankError, match=r"t\.csv: the file is empty"):
        read_delimited(text, "t.csv")


def test_header_whose_quotes_do_not_match_is_refused() -> None:
    with pytest.raises(FitRankError, match=r"t\.csv: line 1: quotes"):
        read_delimited('id,"text,colour\n1,Shirt,Red\n', "t.csv")
