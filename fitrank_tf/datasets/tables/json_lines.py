"""Reads JSON Lines, and a JSON array of objects."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fitrank_tf.datasets.tables.table import RawRow

NO_OBJECT = "not a JSON object"
BROKEN = "broken JSON, from here to the end of the array"

# Of a photo as Hugging Face's `datasets` writes it.
PHOTO_FIELDS = frozenset({"bytes", "path"})
_BLANKS = (" ", "\t", "\r", "\n", ",")


def read_json(text: str) -> tuple[tuple[str, ...], list[RawRow]]:
    """The header, which is all keys in order of first occurrence, and the rows.

    An object inside an object gives columns such as `size.eu`, except one with the keys
    `bytes` or `path`, which is a photo.

    Args:
        text: an object a line, or an array of objects.
    """
    is_array = text.lstrip().startswith("[")
    found = list(_of_array(text) if is_array else _of_lines(text))
    header = tuple(dict.fromkeys(key for _, record, _ in found for key in record))
    rows = [
        RawRow(line, [record.get(key) for key in header], problem)
        for line, record, problem in found
    ]
    return header, rows


def _of_lines(text: str) -> Iterator[tuple[int, Mapping[str, Any], str]]:
    # Not splitlines: a JSON string may hold U+2028.
    for line, written in enumerate(text.split("\n"), 1):
        if written.strip():
            try:
                record = json.loads(written)
            except (ValueError, RecursionError):
                record = None
            yield line, *_checked(record)


def _of_array(text: str) -> Iterator[tuple[int, Mapping[str, Any], str]]:
    decoder = json.JSONDecoder()
    position, line, counted = text.index("[") + 1, 1, 0
    while True:
        while text[position : position + 1] in _BLANKS:
            position += 1
        line += text.count("\n", counted, position)
        counted = position
        if position >= len(text) or text[position] == "]":
            return
        try:
            record, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            yield line, {}, BROKEN
            return
        yield line, *_checked(record)


def _checked(record: Any) -> tuple[Mapping[str, Any], str]:
    if not isinstance(record, dict):
        return {}, NO_OBJECT
    cells = flat(record)
    return {key: v.get("path") if is_photo(v) else v for key, v in cells}, ""


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
