"""Reads CSV as shops export it: byte order mark, `,` `;` or tab, ragged rows."""

import csv
import io
from collections.abc import Iterator, Sequence

from fitrank_tf.core.errors import FitRankError

_DELIMITERS = (",", ";", "\t")


def read_csv(data: bytes, path: str) -> Iterator[list[str]]:
    """The rows of a CSV file, the header first, without empty lines.

    The delimiter is the one of `,`, `;` and tab that splits the header into the most
    columns.

    Args:
        data: the file's bytes, UTF-8 with or without a byte order mark.
        path: name of the file in messages.

    Raises:
        FitRankError: if the file is empty, not UTF-8, or has malformed quotes.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FitRankError(
            f"{path}: line {line} is not UTF-8 text; save the table as a UTF-8 CSV"
        ) from error
    if not text.strip():
        raise FitRankError(f"{path}: the file is empty; it needs a header and rows")
    return _rows(text, path)


def _delimiter(text: str) -> str:
    header = text.lstrip().splitlines()[0]
    return max(
        _DELIMITERS, key=lambda each: len(next(csv.reader([header], delimiter=each)))
    )


def _rows(text: str, path: str) -> Iterator[list[str]]:
    line = 1
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
        for row in reader:
            line = reader.line_num + 1
            if any(row):
                yield row
    except csv.Error as error:
        raise FitRankError(
            f"{path}: line {line} is not CSV ({error}); mend its quotes"
        ) from error


def without_surplus(row: Sequence[str], num_columns: int) -> list[str]:
    """A row with missing cells added as "" and empty surplus cells removed.

    Args:
        row: the cells.
        num_columns: number of columns of the table.
    """
    cells = list(row)
    while len(cells) > num_columns and not cells[-1].strip():
        cells.pop()
    return cells + [""] * (num_columns - len(cells))
