"""JSON Lines and JSON arrays."""

from fitrank_tf.datasets.tables import parse_table
from fitrank_tf.datasets.tables.json_lines import BROKEN, NO_OBJECT


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
