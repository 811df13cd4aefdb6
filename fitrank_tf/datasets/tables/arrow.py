"""Reads Parquet and Arrow files; bytes of photos are left in the file until asked for."""

import functools
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.datasets.tables.cells import Blob
from fitrank_tf.datasets.tables.json_lines import PHOTO_FIELDS, flat, is_photo
from fitrank_tf.datasets.tables.table import NOT_DECODED, RawRow, unique_names

DAMAGED = "damaged part of the file"

_HUGGING_FACE = b"huggingface"
# A binary cell that is longer is no text.
_MOST_TEXT_BYTES = 4096
# More rows in a part that cannot be read are a damaged count.
_MOST_LOST_ROWS = 10**7
# What pyarrow raises for damage; MemoryError for lengths that were damaged.
_ERRORS = (
    pa.ArrowException,
    OSError,
    ValueError,
    KeyError,
    MemoryError,
    OverflowError,
    SystemError,
)


def read_parquet(path: str, data: bytes = b"") -> tuple[tuple[str, ...], list[RawRow]]:
    """The header and the rows of a Parquet file.

    Args:
        path: of the file.
        data: its bytes, if it was packed; b"" reads the file at `path`.

    Raises:
        FitRankError: if the file cannot be read.
    """
    file, schema, sizes = _opened(path, data)
    return _rows(path, schema, sizes, file.read_row_group)


def parquet_header(path: str) -> tuple[str, ...]:
    """The header of a Parquet file, of which only the end is read.

    Args:
        path: of the file.

    Raises:
        FitRankError: if the file cannot be read.
    """
    _, schema, _ = _opened(path)
    return _header(path, schema)[1]


def _header(path: str, schema: pa.Schema) -> tuple[list[str], tuple[str, ...]]:
    """(the names of the columns, the header with those of structs)."""
    try:
        names = unique_names(schema.names)
        return names, tuple(_columns(schema, names))
    except UnicodeDecodeError as error:
        raise _not_read(path, "Parquet or Arrow", error) from error


def _opened(path: str, data: bytes = b"") -> tuple[pq.ParquetFile, pa.Schema, list[int]]:
    """(a Parquet file, its schema, the rows of each of its row groups)."""
    try:
        file = pq.ParquetFile(pa.BufferReader(data) if data else path, memory_map=True)
        groups = range(file.num_row_groups)
        sizes = [file.metadata.row_group(group).num_rows for group in groups]
        return file, file.schema_arrow, sizes
    except _ERRORS as error:
        raise _not_read(path, "Parquet", error) from error


def read_arrow(
    path: str, is_stream: bool, data: bytes = b""
) -> tuple[tuple[str, ...], list[RawRow]]:
    """The header and the rows of an Arrow file (Feather), or of an Arrow stream.

    Args:
        path: of the file.
        is_stream: whether the file is in the format of streams, as those of Hugging Face.
        data: its bytes, if it was packed; b"" reads the file at `path`.

    Raises:
        FitRankError: if the file cannot be read.
    """
    try:
        source = pa.BufferReader(data) if data else pa.memory_map(path)
        opened = pa.ipc.open_stream(source) if is_stream else pa.ipc.open_file(source)
        batches = list(opened) if is_stream else _batches_of(opened)
        schema = opened.schema
    except _ERRORS as error:
        raise _not_read(path, "Arrow", error) from error
    sizes = [batch.num_rows for batch in batches]
    return _rows(path, schema, sizes, lambda n: pa.Table.from_batches([batches[n]], schema))


def _batches_of(file: pa.ipc.RecordBatchFileReader) -> list[pa.RecordBatch]:
    return [file.get_batch(number) for number in range(file.num_record_batches)]


def _not_read(path: str, kind: str, error: Exception) -> FitRankError:
    return FitRankError(
        f"{path}: cannot be read as {kind} ({first_line(error)}); write it again"
    )


def _rows(
    path: str, schema: pa.Schema, sizes: Sequence[int], read: Callable[[int], pa.Table]
) -> tuple[tuple[str, ...], list[RawRow]]:
    """Header and rows of a file of several parts, of `sizes` rows, which `read` reads."""
    names, header = _header(path, schema)
    labels = _class_labels(schema)

    def fetch(part: int, index: int, row: int) -> Any:
        try:
            with _one_at_a_time:
                return _column(read, part, index)[row].as_py()
        except _ERRORS as error:
            raise OSError(str(error)) from error

    rows: list[RawRow] = []
    for part, size in enumerate(sizes):
        try:
            table = _sound(read(part))
        except _ERRORS as error:
            if size > _MOST_LOST_ROWS:
                raise _not_read(path, "Parquet", error) from error
            lost = range(len(rows) + 1, len(rows) + size + 1)
            rows += [RawRow(line, [None] * len(header), DAMAGED) for line in lost]
            continue
        columns = [
            _python(table.column(index), labels.get(name))
            for index, name in enumerate(names)
        ]
        for number in range(table.num_rows):
            record = {
                name: _cell(cells[number], functools.partial(fetch, part, index, number))
                for index, (name, (cells, _)) in enumerate(zip(names, columns))
            }
            flattened = dict(flat(record))
            problem = NOT_DECODED if any(number in bad for _, bad in columns) else ""
            rows.append(
                RawRow(len(rows) + 1, [flattened.get(key) for key in header], problem)
            )
    return header, rows


# The photos of a part are asked for one after the other, those of a file after those of
# another. Only the last part is kept, of all files: parts of photos are large.
@functools.lru_cache(maxsize=1)
def _column(read: Callable[[int], pa.Table], part: int, index: int) -> pa.ChunkedArray:
    return read(part).column(index)


_one_at_a_time = threading.Lock()


def _sound(table: pa.Table) -> pa.Table:
    """The table, if its buffers hold what they say; a damaged offset reads anywhere.

    Text that is not UTF-8 passes: its rows are left out one by one.
    """
    for column in table.columns:
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            if "UTF8" not in str(error):
                raise
    return table


def _columns(fields: Any, names: Sequence[str], prefix: str = "") -> Iterator[str]:
    """Names of columns, those of a struct that is no photo as in `flat`."""
    for name, field in zip(names, fields):
        kind = field.type
        inside = [kind.field(n) for n in range(kind.num_fields)]
        if pa.types.is_struct(kind) and {f.name for f in inside} - PHOTO_FIELDS:
            yield from _columns(inside, [f.name for f in inside], f"{prefix}{name}.")
        else:
            yield prefix + name


def _class_labels(schema: pa.Schema) -> Mapping[str, Sequence[str]]:
    """{column: names} of the columns in which Hugging Face writes a class as its number."""
    try:
        features = json.loads((schema.metadata or {})[_HUGGING_FACE])["info"]["features"]
        return {
            name: [str(label) for label in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _python(
    column: pa.ChunkedArray, labels: Sequence[str] | None
) -> tuple[list[Any], frozenset[int]]:
    """(cells as Python objects, positions of cells that are not UTF-8)."""
    kind = column.type
    # To Python, nanoseconds and years after 9999 cannot be had, and a float32 9.99 is
    # 9.989999771118164.
    if pa.types.is_temporal(kind) or pa.types.is_float32(kind):
        column = _as_text(column)
    try:
        cells = column.to_pylist()
    except UnicodeDecodeError:
        return _decoded(column)
    except (ValueError, OverflowError):
        cells = [str(scalar) if scalar.is_valid else None for scalar in column]
    if labels is not None:
        cells = [_label(cell, labels) for cell in cells]
    return cells, frozenset()


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        if pa.types.is_timestamp(column.type) and column.type.tz:
            column = pc.cast(column, pa.timestamp(column.type.unit))
        text = pc.cast(column, pa.string())
        for end in (r"\.0+$", " 00:00:00$"):
            text = pc.replace_substring_regex(text, end, "")
        return text
    except pa.ArrowException:
        return column


def _label(cell: Any, labels: Sequence[str]) -> Any:
    is_label = isinstance(cell, int) and 0 <= cell < len(labels)
    # -1 stands for no label.
    return labels[cell] if is_label else None if cell == -1 else cell


def _decoded(column: pa.ChunkedArray) -> tuple[list[Any], frozenset[int]]:
    cells: list[Any] = []
    bad = set()
    for row, scalar in enumerate(column):
        try:
            cells.append(scalar.as_py())
        except UnicodeDecodeError:
            cells.append(None)
            bad.add(row)
    return cells, frozenset(bad)


def _cell(value: Any, fetch: Callable[[], Any]) -> Any:
    """A cell with bytes and photos as `Blob`s; `fetch` reads the value again."""
    if isinstance(value, bytes):
        return _text_of(value) or Blob("", fetch)
    if isinstance(value, list):
        return [
            _cell(each, functools.partial(_item, fetch, place))
            for place, each in enumerate(value)
        ]
    if is_photo(value):
        data, name = value.get("bytes"), value.get("path")
        if not isinstance(data, bytes) or not data:
            return name
        return Blob(str(name or ""), functools.partial(_item, fetch, "bytes"))
    return value


def _item(fetch: Callable[[], Any], place: int | str) -> Any:
    return fetch()[place]


def _text_of(data: bytes) -> str:
    """Text in a binary column, as Impala and Spark write it; "" if it is none."""
    if len(data) > _MOST_TEXT_BYTES or 0 in data:
        return ""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
