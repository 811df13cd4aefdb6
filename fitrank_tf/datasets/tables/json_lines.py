"""Reads JSON: an object a line, an array of objects, and what other exports write."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fitrank_tf.datasets.tables.header import FIRST_ROW, Header
from fitrank_tf.datasets.tables.table import RawRow

NO_OBJECT = "not a JSON object"
BROKEN = "broken JSON, from here to the end of the array"

# Of a photo as Hugging Face's `datasets` writes it.
PHOTO_FIELDS = frozenset({"bytes", "path"})
_BLANKS = (" ", "\t", "\r", "\n", ",")
# The begin of an array of objects inside an object, behind its key.
_ARRAY_INSIDE = r"\s*:\s*\[(?=\s*\{)"

_DECODER = json.JSONDecoder()
# The column of the keys of products by id.
_ID = "id"

# (line, value, why there is none or "").
_Value = tuple[int, Any, str]


def read_json(
    text: str, is_header: Header = FIRST_ROW
) -> tuple[tuple[str, ...], list[RawRow]]:
    """The header, which is all keys in order of first occurrence, and the rows.

    An object inside an object gives columns such as `size.eu`, except one with the keys
    `bytes` or `path`, which is a photo.

    Args:
        text: an object a line or one after the other; an array of objects, or of rows after
            a header; an object that holds such an array, columns, or products by id.
        is_header: tells the keys of a product from others. Without groups of names only
            objects and arrays of objects are read.
    """
    start = len(text) - len(text.lstrip())
    if text[start] == "[":
        values = _under_header(list(_values(text, start + 1)), is_header)
    else:
        values = _of_objects(text, start, is_header)
    found = [
        (line, dict(flat(value)), "")
        if isinstance(value, dict)
        else (line, {}, problem or NO_OBJECT)
        for line, value, problem in values
    ]
    header = tuple(dict.fromkeys(key for _, record, _ in found for key in record))
    rows = [
        RawRow(line, [record.get(key) for key in header], problem)
        for line, record, problem in found
    ]
    return header, rows


def _values(text: str, position: int) -> Iterator[_Value]:
    """The values of a text from a position on, to the end of the array or of the text."""
    line, counted = 1, 0
    while True:
        while text[position : position + 1] in _BLANKS:
            position += 1
        line += text.count("\n", counted, position)
        counted = position
        if text[position : position + 1] in ("", "]"):
            return
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            yield line, None, BROKEN
            return
        yield line, value, ""


def _under_header(values: list[_Value], is_header: Header) -> list[_Value]:
    """The rows of an array of arrays as objects, if the first array is their header."""
    names = values[0][1] if values else None
    if not (isinstance(names, list) and is_header.groups and is_header.is_in(names)):
        return values
    return [(line, _zipped(names, value), problem) for line, value, problem in values[1:]]


def _zipped(names: list[Any], cells: Any) -> Any:
    is_row = isinstance(cells, list) and len(cells) <= len(names)
    return dict(zip(map(str, names), cells)) if is_row else cells


def _of_objects(text: str, start: int, is_header: Header) -> list[_Value]:
    """The values of a text that is no array."""
    lines = list(_of_lines(text))
    if len(lines) > 1 and not lines[0][2]:
        return lines
    values = list(_values(text, start))
    line, only, _ = values[0]
    if isinstance(only, dict) and len(values) == 1 and is_header.groups:
        return _inside(text, line, only, is_header)
    if only is not None:
        return values  # objects in several lines each
    # An object that is cut off.
    if all(problem for *_, problem in lines) and (begin := re.search(_ARRAY_INSIDE, text)):
        return list(_values(text, begin.end()))
    return lines


def _of_lines(text: str) -> Iterator[_Value]:
    # Not splitlines: a JSON string may hold U+2028.
    for line, written in enumerate(text.split("\n"), 1):
        if written := written.strip().rstrip(","):
            values = [(line, value, problem) for _, value, problem in _values(written, 0)]
            are_good = values and all(isinstance(value, dict) for _, value, _ in values)
            yield from values if are_good else [(line, None, NO_OBJECT)]


def _inside(text: str, line: int, only: Any, is_header: Header) -> list[_Value]:
    """The products inside the only object of a file."""
    records: list[Any] = [only]
    arrays = [
        key
        for key, value in only.items()
        if isinstance(value, list) and any(isinstance(each, dict) for each in value)
    ]
    objects = [value for value in only.values() if isinstance(value, dict)]
    columns, data = only.get("columns"), only.get("data")
    if is_header.is_in(only):
        records = _of_columns(only)
    elif isinstance(columns, list) and isinstance(data, list):
        records = [_zipped(columns, row) for row in data]
    elif len(arrays) == 1:
        (name,) = arrays
        key = re.escape(json.dumps(name, ensure_ascii=False))
        if begin := re.search(key + _ARRAY_INSIDE, text):
            return list(_values(text, begin.end()))
        records = only[name]
    elif len(objects) == len(only) > 0 and is_header.is_in([_ID, *objects[0]]):
        records = [{_ID: key, **value} for key, value in only.items()]
    elif len(objects) == 1:
        return _inside(text, line, objects[0], is_header)
    several = len(records) > 1
    return [(n if several else line, record, "") for n, record in enumerate(records, 1)]


def _of_columns(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of an object of columns, as pandas writes it; or the object itself."""
    cells = list(columns.values())
    if all(isinstance(each, dict) for each in cells):
        keys = dict.fromkeys(key for each in cells for key in each)
        cells = [[each.get(key) for key in keys] for each in cells]
    elif not all(isinstance(each, list) for each in cells):
        return [dict(columns)]
    return [dict(zip(columns, row)) for row in itertools.zip_longest(*cells)]


def flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(column, cell) of an object, objects inside it as columns of their own.

    Args:
        record: the object.
        prefix: what the names of its columns begin with.
    """
    for key, value in record.items():
        if isinstance(value, dict) and not is_photo(value):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def is_photo(value: Any) -> bool:
    """Whether an object is a photo as Hugging Face's `datasets` writes it."""
    return isinstance(value, dict) and bool(value) and value.keys() <= PHOTO_FIELDS
