"""A user's table, CSV or Parquet, as a header and rows of strings."""

import dataclasses
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.csv_text import read_csv, without_surplus

_PARQUET_MAGIC = b"PAR1"


@dataclasses.dataclass(frozen=True)
class Table:
    """An opened table.

    Attributes:
        path: path of the file.
        data: the file's bytes.
        header: the names of the columns.
        rows: function that iterates over all rows, each a cell for each column; a CSV row
            with more cells than columns keeps them.
    """

    path: str
    data: bytes
    header: tuple[str, ...]
    rows: Callable[[], Iterator[list[str]]]


def open_table(path: str) -> Table:
    """Opens a CSV or Parquet file; the format is detected by the first bytes.

    Raises:
        FitRankError: if the file cannot be read.
    """
    try:
        data = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise FitRankError(
            f"{path}: cannot be read ({error.strerror}); name a CSV or Parquet file"
        ) from error
    return (
        _open_parquet(data, path) if data[:4] == _PARQUET_MAGIC else _open_csv(data, path)
    )


def _open_csv(data: bytes, path: str) -> Table:
    header = tuple(name.strip() for name in next(read_csv(data, path)))

    def rows() -> Iterator[list[str]]:
        lines = read_csv(data, path)
        next(lines)
        return (without_surplus(line, len(header)) for line in lines)

    return Table(path, data, header, rows)


def _open_parquet(data: bytes, path: str) -> Table:
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise FitRankError(
            f"{path}: cannot be read as Parquet ({reason}); write it again"
        ) from error

    def rows() -> Iterator[list[str]]:
        for batch in table.to_batches():
            for cells in zip(*(column.to_pylist() for column in batch.columns)):
                yield [_text(cell) for cell in cells]

    return Table(path, data, tuple(table.column_names), rows)


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)
