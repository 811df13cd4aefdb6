"""JSON Lines and JSON arrays."""

import json

import pytest

from fitrank_tf.datasets.tables import parse_table
from fitrank_tf.datasets.tables.header import FIRST_ROW, Header
from fitrank_tf.datasets.tables.json_lines import BROKEN, NO_OBJECT, is_photo, read_json

OF_PRODUCTS = Header((("id",), ("title",)))


def test_lines() -> None:
    data = (
        '{"id": 1163.0, "text": "a\\u2028b", "size": {"eu": 42, "uk": {"old": "8"}}}\n\n'
        '{"id": 2, "colours": ["Red", "Blue"], "text": null, "price": NaN}\n'
    )
    table = parse_table(data.encode(), "t.jsonl")
    assert table.header == ("id", "text", "size.eu", "size.uk.old", "colours", "price")
    assert [row.line for row in table.rows] == [1, 3]
    assert table.texts("id") == ["1163", "2"]
    assert table.texts("text") == ["a b", ""]
    assert table.texts("size.uk.old") == ["8", ""]
    assert table.values("colours") == [(), ("Red", "Blue")]
    assert table.texts("price") == ["", ""]


def test_lines_that_are_no_objects_are_left_out_by_themselves() -> None:
    data = '{"id": 1}\n{"id": 2\n[1]\n{"id": 3}\n' + "[" * 100_000 + "\n"
    table = parse_table(data.encode(), "t.jsonl")
    assert [row.problem for row in table.rows] == ["", NO_OBJECT, NO_OBJECT, "", NO_OBJECT]
    assert table.texts("id") == ["1", "", "", "3", ""]


def test_array() -> None:
    table = parse_table(b'[\n{"id": 1},\n7, {"id": "2"},\n{"id": 3', "t.json")
    assert [(row.line, row.problem) for row in table.rows] == [
        (2, ""),
        (3, NO_OBJECT),
        (3, ""),
        (4, BROKEN),
    ]
    assert table.texts("id")[:3] == ["1", "", "2"]


def test_photos() -> None:
    data = (
        b'{"image": {"path": "a.jpg", "bytes": null}}\n{"image": ["b.jpg", "c.jpg"]}\n{}\n'
    )
    photos = parse_table(data, "t.jsonl").photos("image")
    assert photos == [["a.jpg"], ["b.jpg", "c.jpg"], []]


_TWO = '{"id": 1, "title": "Hat"}, {"id": 2, "title": "Cap"}'
_ROWS = [(1, [1, "Hat"]), (1, [2, "Cap"])]
_NUMBERED = [(1, [1, "Hat"]), (2, [2, "Cap"])]


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        # Arrays of objects, and of rows under a header.
        (f"[{_TWO}]", ("id", "title"), _ROWS),
        (f"\n\n [{_TWO}] ] {{}}", ("id", "title"), [(3, row) for _, row in _ROWS]),
        (
            '\n[["id", "title"],\n[1, "Hat"],\n[2]]',
            ("id", "title"),
            [(3, [1, "Hat"]), (4, [2, None])],
        ),
        (
            '[["ID", "Title", 7], [1, "Hat", null]]',
            ("ID", "Title", "7"),
            [(1, [1, "Hat", None])],
        ),
        ("[]", (), []),
        # One object: a product, columns, and what holds products.
        ('{"id": 1, "title": "Hat"}', ("id", "title"), _ROWS[:1]),
        ('\n{"id": 1,\n"title": "Hat"}', ("id", "title"), [(2, [1, "Hat"])]),
        (
            '{"id": [1, 2], "title": ["Hat"]}',
            ("id", "title"),
            [(1, [1, "Hat"]), (2, [2, None])],
        ),
        (
            '{"id": {"0": 1, "1": 2}, "title": {"1": "Cap", "0": "Hat"}}',
            ("id", "title"),
            _NUMBERED,
        ),
        ('{"id": 1, "title": {"en": "Hat"}}', ("id", "title.en"), _ROWS[:1]),
        ('{"id": [1], "title": "Hat"}', ("id", "title"), [(1, [[1], "Hat"])]),
        (
            '{"columns": ["id", "title"], "data": [[1, "Hat"], [2, "Cap"]]}',
            ("id", "title"),
            _NUMBERED,
        ),
        (
            '{"columns": ["id", "title"], "data": "none"}',
            ("columns", "data"),
            [(1, [["id", "title"], "none"])],
        ),
        ('{"columns": 2, "data": [1]}', ("columns", "data"), [(1, [2, [1]])]),
        (
            f'{{"n": [1], "of": {{}}, "products":\n[{_TWO}]}}',
            ("id", "title"),
            [(2, row) for _, row in _ROWS],
        ),
        (f'{{"G\u00fcter": [{_TWO}]}}', ("id", "title"), _ROWS),
        (f'{{"G\\u00fcter": [{_TWO}]}}', ("id", "title"), _NUMBERED),
        (
            f'{{"a": [{_TWO}], "b": [{{}}]}}',
            ("a", "b"),
            [(1, [[{"id": 1, "title": "Hat"}, {"id": 2, "title": "Cap"}], [{}]])],
        ),
        (f'{{"n": 2, "data": {{"items": [{_TWO}]}}}}', ("id", "title"), _ROWS),
        (
            '{"1": {"title": "Hat"}, "2": {"title": "Cap"}}',
            ("id", "title"),
            [(1, ["1", "Hat"]), (2, ["2", "Cap"])],
        ),
        (
            '{"1": {"title": "Hat"}, "2": {"c": "red"}}',
            ("id", "title", "c"),
            [(1, ["1", "Hat", None]), (2, ["2", None, "red"])],
        ),
        ('{"n": 1, "1": {"title": "Hat"}}', ("title",), [(1, ["Hat"])]),
        ('{"a": {"b": 1}, "c": {"d": 2}}', ("a.b", "c.d"), [(1, [1, 2])]),
        # Objects one after the other.
        (
            '{"id": 1}\n{"id": 2,\n"title": "Cap"}\n{"id": 3}',
            ("id",),
            [(1, [1]), (2, [None]), (3, [None]), (4, [3])],
        ),
        (
            '{"id": 1,\n"title": "Hat"}\n\n{"id": 2,\n"title": "Cap"}',
            ("id", "title"),
            [(1, [1, "Hat"]), (4, [2, "Cap"])],
        ),
        ('{"id": 1, "title": "Hat"} {"id": 2, "title": "Cap"}', ("id", "title"), _ROWS),
    ],
)
def test_the_rows_of_json(text: str, header: tuple[str, ...], rows) -> None:
    found, read = read_json(text, OF_PRODUCTS)
    assert found == header
    assert [(row.line, list(row.cells)) for row in read] == rows


@pytest.mark.parametrize(
    ("text", "is_header", "rows"),
    [
        ('[{"id": 1}, 7, [1], null]', OF_PRODUCTS, ["1", NO_OBJECT, NO_OBJECT, NO_OBJECT]),
        (
            '[["id", "title"], [1, "Hat"], [2, "Cap", "red"], 7, {"id": 3}]',
            OF_PRODUCTS,
            ["1", NO_OBJECT, NO_OBJECT, "3"],
        ),
        ('[["id", "colour"], [1, "red"]]', OF_PRODUCTS, [NO_OBJECT, NO_OBJECT]),
        ('[["id", "title"], [1, "Hat"]]', FIRST_ROW, [NO_OBJECT, NO_OBJECT]),
        ('{"id": 1}\n7\n{"id": 3}', OF_PRODUCTS, ["1", NO_OBJECT, "3"]),
        ('{"id": 1},\n{"id": 2} {"id": 3},\n,\n', OF_PRODUCTS, ["1", "2", "3"]),
        # What is cut off or damaged keeps what comes before it.
        ('[{"id": 1}, {"id": 2', OF_PRODUCTS, ["1", BROKEN]),
        ('[{"id": 1},', OF_PRODUCTS, ["1"]),
        ('{"id": 1}\n{"id": 2', OF_PRODUCTS, ["1", NO_OBJECT]),
        (
            '{"n": [7], "of": [{"id": 1},\n{"id": 2}, {"id": 3',
            FIRST_ROW,
            ["1", "2", BROKEN],
        ),
        ('{"id": 1, "title": "Ha', OF_PRODUCTS, [NO_OBJECT]),
        ('{"id": 1\n"of": [{"id": 1}]\n}', OF_PRODUCTS, ["1"]),
        ('{"of": [{"id": 7},\n{"id": 1}\n{"id": 2}', OF_PRODUCTS, [NO_OBJECT, "1", "2"]),
        ('{"id": 1,\n"c": 2} {"id": 2', OF_PRODUCTS, ["1", BROKEN]),
    ],
)
def test_what_is_no_object_is_said(text: str, is_header: Header, rows: list[str]) -> None:
    header, read = read_json(text, is_header)
    cells = [dict(zip(header, row.cells)) for row in read]
    assert [row.problem or str(of["id"]) for row, of in zip(read, cells)] == rows


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ('{"of": [{"id": 1}], "n": 2}', ("of", "n")),
        ('{"columns": ["id"], "data": [[1]]}', ("columns", "data")),
        ('{"id": [1, 2]}', ("id",)),
    ],
)
def test_without_names_of_columns_an_object_is_one_row(text, header) -> None:
    found, (row,) = read_json(text)
    assert (found, row.line, row.problem) == (header, 1, "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"path": "a.jpg", "bytes": None}, True),
        ({"path": "a.jpg"}, True),
        ({"bytes": "x"}, True),
        ({"path": "a.jpg", "bytes": None, "size": 3}, False),
        ({}, False),
        ("path", False),
        (["path"], False),
        (None, False),
    ],
)
def test_a_photo_is_an_object_of_bytes_and_path_alone(value, expected: bool) -> None:
    assert is_photo(value) is expected
    header, _ = read_json(json.dumps([{"id": 1, "image": value}]))
    assert ("image" in header) == (not isinstance(value, dict) or expected)
