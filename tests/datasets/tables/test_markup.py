"""XML and HTML: which texts are that, which elements are rows, and what is in a cell."""

import logging

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.tables.delimited import MORE_CELLS
from fitrank_tf.datasets.tables.header import FIRST_ROW, Header
from fitrank_tf.datasets.tables.markup import is_markup, read_markup

OF_PRODUCTS = Header((("id",),))
Cells = list[tuple[int, list]]


def _read(text: str, is_header: Header = OF_PRODUCTS) -> tuple[tuple[str, ...], Cells, str]:
    header, rows, kind = read_markup(text, "t", is_header)
    return header, [(row.line, list(row.cells)) for row in rows], kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a><b/></a>", True),
        (" \n<a>1</a>\n ", True),
        ("<?xml version='1.0'?>\n<a> cut off", True),
        ("<?XML version='1.0'?><a", True),
        ("<!DOCTYPE html>\n<p", True),
        ("<!doctype html>", True),
        ("<b>id</b>,text\n1,Shirt", False),
        ("<1>", False),
        ("id,text\n1,<b>Shirt</b>", False),
        ("?xml>", False),
        ("", False),
    ],
)
def test_markup_is_told_from_tables_with_tags(text: str, expected: bool) -> None:
    assert is_markup(text) is expected


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        (
            "<s><p><id>1</id><t>Hat</t></p><p><t>Cap</t><c>red</c></p></s>",
            ("id", "t", "c"),
            [["1", "Hat", None], [None, "Cap", "red"]],
        ),
        (
            "<s><a><id>1</id><t>A</t></a>"
            "<l><p><id>2</id><t>B</t></p><p><id>3</id><t>C</t></p></l></s>",
            ("id", "t"),
            [["2", "B"], ["3", "C"]],
        ),
        # As many of each: the first ones.
        (
            "<s><a><x>1</x><y>2</y></a><b><v>3</v><w>4</w></b></s>",
            ("x", "y"),
            [["1", "2"]],
        ),
        # Elements without parts are cells, however many they are.
        (
            "<s><n>1</n><n>2</n><n>3</n><p><id>4</id><t>A</t></p></s>",
            ("id", "t"),
            [["4", "A"]],
        ),
        # Attributes, beside parts and alone; a part that comes again.
        (
            "<s><p id='1'><c>red</c><c>blue</c></p><p id='2' c='green'/></s>",
            ("id", "c"),
            [["1", ["red", "blue"]], ["2", "green"]],
        ),
        # Parts with parts, blank ones, and names with namespaces.
        (
            "<s xmlns:g='http://g'><p g:id='1'><g:size><eu>42</eu><g:uk>8</g:uk></g:size>"
            "<t> \n</t><u/></p></s>",
            ("id", "size.eu", "size.uk"),
            [["1", "42", "8"]],
        ),
        (
            "<s><p><id>1</id><v><sku n='a'>x</sku><sku>y</sku></v><v><sku>z</sku></v></p>"
            "<p><id>2</id></p></s>",
            ("id", "v.sku"),
            [["1", [["x", "y"], "z"]], ["2", None]],
        ),
    ],
    ids=["gaps", "longest", "first", "no parts", "attributes", "namespaces", "nested"],
)
def test_rows_of_xml(text: str, header: tuple[str, ...], rows: list[list]) -> None:
    assert _read(text) == (header, list(enumerate(rows, 1)), "XML")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<a><b></a>", r"^t: cannot be read as XML \(mismatched tag.*\); save it as CSV$"),
        ("<a>\udce9</a>", r"^t: cannot be read as XML \(.*surrogate.*\); save it as CSV$"),
        ("<a/>", "^t: the XML holds no list of products; save it as CSV$"),
        ("<s><p><id>1</id></p><p><id>2</id></p></s>", "holds no list of products"),
        ("<html></html>", "^t: a web page without a table; save it as CSV$"),
        ("<table></table>", "a web page without a table"),
        ("<body><td>1</td><tr><th>2</th></tr></body>", "a web page without a table"),
    ],
)
def test_markup_without_rows_is_refused(text: str, message: str) -> None:
    with pytest.raises(FitRankError, match=message):
        _read(text)


@pytest.mark.parametrize(
    "begin", ["<table>", "\n <TABLE border=1>", "<!DOCTYPE html><table>", "<meta x><table>"]
)
def test_html_is_told_by_its_first_tag(begin: str) -> None:
    header, rows, kind = _read(f"{begin}<tr><td>id<td>t</tr><tr><td>1<td>Hat</table>")
    assert (header, kind) == (("id", "t"), "HTML")
    assert [cells for _, cells in rows] == [["1", "Hat"]]


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("<td>1</td><td>2</td><td>3</td>", ["1", "2", "3"]),
        ("<th>1<th>2<td>3", ["1", "2", "3"]),
        (" a <td>1</td> b <td>2</td> c ", ["1", "2", ""]),
        ("<td colspan=2>1</td><td>2</td>", ["1", "", "2"]),
        ("<td colspan='0'>1</td><td colspan='x'>2</td><td colspan>3</td>", ["1", "2", "3"]),
        ("<td>1<br>2<b>3</b> 4</td>", ["1\n23 4", "", ""]),
        ("<img src='a'><td><img src='b'> <img></td><img src='c'>", ["b ", "", ""]),
        ("<td>A&amp;B</td><td>&eacute;</td>", ["A&B", "é", ""]),
        ("<td><a>1</a><hr><i>2</i><p>3<s>4</s><ul><li>5</ul>", ["12345", "", ""]),
        ("<td><audio src='a'></audio><video src='v'></video>", ["", "", ""]),
    ],
)
def test_cells_of_html(row: str, cells: list[str]) -> None:
    text = f"<table><thead><tr><td>id<td>b<td>c</tr><tbody>\n<tr>{row}</tr></table> after"
    assert _read(text) == (("id", "b", "c"), [(2, cells)], "HTML")


def test_a_cell_is_at_most_as_wide_as_the_standard_of_html_says() -> None:
    header, *_ = _read("<table><tr><td colspan=65534>id<td>last</table>")
    assert len(header) == 1001 and header[-1] == "last"


@pytest.mark.parametrize(
    ("surplus", "problem"), [("", ""), ("<td> </td>", ""), ("<td></td><td>4", MORE_CELLS)]
)
def test_surplus_cells_are_a_problem_unless_blank(surplus: str, problem: str) -> None:
    text = f"<table><tr><td>id<td>b</tr><tr><td>1<td>2{surplus}</tr></table>"
    (row,) = read_markup(text, "t", OF_PRODUCTS)[1]
    assert (row.cells, row.problem) == (["1", "2"], problem)


_MENU = "<table><tr><td>Menu</table>\n"
_PRODUCTS = "<table>\n<tr><td>ID<td>t\n<tr><td>1<td>Hat</table>\n"
_MORE = "<table><tr><td>id<td>more<tr><td>2<td>3</table>"


@pytest.mark.parametrize(
    ("text", "is_header", "header", "rows"),
    [
        (_PRODUCTS + _MENU + _MORE, OF_PRODUCTS, ("ID", "t\n"), [(3, ["1", "Hat"])]),
        (_MENU * 2 + _PRODUCTS + _MORE, OF_PRODUCTS, ("ID", "t\n"), [(5, ["1", "Hat"])]),
        (
            "<table></table>" + _PRODUCTS + _MENU,
            FIRST_ROW,
            ("ID", "t\n"),
            [(3, ["1", "Hat"])],
        ),
        # No header is known: the first table, from its first row on.
        (_PRODUCTS + _MENU, Header((("sku",),)), ("ID", "t\n"), [(3, ["1", "Hat"])]),
        (_MENU + _PRODUCTS, FIRST_ROW, ("Menu",), []),
    ],
)
def test_the_first_table_with_a_known_header_is_read(text, is_header, header, rows) -> None:
    assert _read(text, is_header) == (header, rows, "HTML")


@pytest.mark.parametrize(("above", "last"), [(0, None), (1, 2), (2, 3), (3, 4)])
def test_rows_above_the_header_are_passed_over(above: int, last, caplog) -> None:
    rows = "<tr><td>Our<td>products</tr>\n" * above + "<tr><td>id<td>t</tr>\n<tr><td>1<td>2"
    with caplog.at_level(logging.WARNING):
        found = _read(f"<table>\n{rows}</table>")
    assert found == (("id", "t"), [(above + 3, ["1", "2"])], "HTML")
    said = f"t: lines 2 to {last} stand above the header: passed over"
    assert caplog.messages == ([said] if above else [])
