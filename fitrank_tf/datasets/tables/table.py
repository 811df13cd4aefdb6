"""A table of a catalogue: columns of cleaned cells by header, with line numbers."""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Any

from fitrank_tf.datasets.tables.cells import Blob, cell_text, cell_values, header_key, words

NOT_DECODED = "text that cannot be decoded"

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_WHOLE_AS_FLOAT = re.compile(r"(-?\d+)[.,]0")


@dataclasses.dataclass(frozen=True)
class RawRow:
    """A row as the reader of its format gives it.

    Attributes:
        line: its line in a text file, from 1, or its row in a sheet; the row in a Parquet
            or Arrow file, from 1 and without a header.
        cells: a cell for each column: text, a number, a date, a list, a `Blob` or None.
        problem: why the row cannot be used, "" for a good row.
    """

    line: int
    cells: Sequence[Any]
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """An opened table.

    Attributes:
        path: path of the file.
        digest: SHA-256 (hex) of the file.
        header: cleaned names of the columns, each once.
        rows: the rows in order, those with a problem too.
        reading: how the file was read, for people, e.g. "CSV, utf-8, ';'".
    """

    path: str
    digest: str
    header: tuple[str, ...]
    rows: Sequence[RawRow]
    reading: str

    def find(self, name: str) -> str | None:
        """The column of a name, in other letter case or blanks too; None if there is none.

        Args:
            name: the name as a person writes it.
        """
        if name in self.header:
            return name
        key = header_key(name)
        return next((each for each in self.header if header_key(each) == key), None)

    def texts(self, column: str) -> list[str]:
        """The cells of a column as text, "" where a value is missing.

        Args:
            column: one of `header`.
        """
        return _without_float_ends([cell_text(cell) for cell in self._cells(column)])

    def values(self, column: str, separator: str = "") -> list[tuple[str, ...]]:
        """The values of a column, several where a cell holds a list; () where missing.

        Args:
            column: one of `header`.
            separator: what stands between the values of a cell; "" for one value a cell,
                except in lists, which are always told.
        """
        cells = [cell_values(cell, separator) for cell in self._cells(column)]
        flat = _without_float_ends([value for cell in cells for value in cell])
        values = iter(flat)
        return [tuple(next(values) for _ in cell) for cell in cells]

    def photos(self, column: str) -> list[list[str | Blob]]:
        """The photos of a column: names of files, or bytes; [] where missing.

        A name keeps the letters and the blanks inside it as they are written.

        Args:
            column: one of `header`.
        """
        return [_photos(cell) for cell in self._cells(column)]

    def _cells(self, column: str) -> list[Any]:
        index = self.header.index(column)
        return [row.cells[index] for row in self.rows]


def unique_names(names: Iterable[str]) -> list[str]:
    """The names, those that come again with a number: "colour", "colour (2)"."""
    unique: dict[str, None] = {}
    for name in names:
        number, free = 1, name
        while free in unique:
            number += 1
            free = f"{name} ({number})"
        unique[free] = None
    return list(unique)


def _photos(cell: Any) -> list[str | Blob]:
    if isinstance(cell, Blob):
        return [cell]
    if isinstance(cell, list | tuple):
        return [photo for each in cell for photo in _photos(each)]
    if isinstance(cell, dict):
        return _photos([cell.get(key) for key in words()["photo_keys"]])
    if not cell_text(cell):
        return []
    return [cell.strip() if isinstance(cell, str) else cell_text(cell)]


def _without_float_ends(texts: list[str]) -> list[str]:
    """Whole numbers without ".0", where all numbers of the column have it.

    pandas writes a column of whole numbers so if one of them is missing.
    """
    numbers = [text for text in texts if text and _NUMBER.fullmatch(text)]
    if not numbers or not all(map(_WHOLE_AS_FLOAT.fullmatch, numbers)):
        return texts
    wholes = (_WHOLE_AS_FLOAT.fullmatch(text) for text in texts)
    return [whole[1] if whole else text for whole, text in zip(wholes, texts)]
