"""Reads the rows of CSV and Parquet logs in parts, whatever their size."""

import codecs
import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from fitrank_tf.clicks.log_options import COLUMNS, LogOptions
from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.datasets.tables.arrow import DAMAGED
from fitrank_tf.datasets.tables.cells import clean_text, header_key
from fitrank_tf.datasets.tables.delimited import MORE_CELLS, read_delimited
from fitrank_tf.datasets.tables.encoding import decode
from fitrank_tf.datasets.tables.table import unique_names

_PARQUET = b"PAR1"
_SAMPLE_BYTES, _BLOCK_BYTES = 1 << 18, 1 << 25
_ROWS = 1 << 19
_FEWER_CELLS = "row with fewer cells than columns"


@dataclasses.dataclass(frozen=True)
class LogPart:
    """Some rows of a log.

    Attributes:
        columns: {column of `COLUMNS`: Arrow array [N]}, text of CSV files as bytes.
        problems: {problem: how many rows could not be read for it}.
    """

    columns: Mapping[str, pa.ChunkedArray]
    problems: Mapping[str, int]


def read_parts(path: str, options: LogOptions) -> Iterator[LogPart]:
    """The rows of a log, some hundred thousand at a time.

    Args:
        path: of a CSV file, also compressed (.gz), or a Parquet file; their first bytes
            tell which.
        options: form of the log.

    Raises:
        FitRankError: if the file cannot be read or lacks a column.
    """
    try:
        with Path(path).open("rb") as file:
            is_parquet = file.read(len(_PARQUET)) == _PARQUET
        yield from (_parquet if is_parquet else _csv)(path, options)
    except (OSError, pa.ArrowException) as error:
        raise FitRankError(
            f"{path}: cannot be read ({first_line(error)}); give a CSV or Parquet file"
        ) from error


def _parquet(path: str, options: LogOptions) -> Iterator[LogPart]:
    with pq.ParquetFile(path, memory_map=True) as file:
        found = _found(file.schema_arrow.names, path, options)
        for group in range(file.num_row_groups):
            size, done = file.metadata.row_group(group).num_rows, 0
            try:
                for batch in file.iter_batches(_ROWS, [group], list(found.values())):
                    table = pa.Table.from_batches([batch])
                    done += len(table)
                    yield LogPart({name: table[key] for name, key in found.items()}, {})
            except (OSError, pa.ArrowException):
                yield LogPart({}, {DAMAGED: size - done})


def _csv(path: str, options: LogOptions) -> Iterator[LogPart]:
    with pa.input_stream(path, compression="detect") as file:
        sample = file.read(_SAMPLE_BYTES)
    encoding = _encoding(sample, path, options.encoding)
    with pa.input_stream(path, compression="detect") as file:
        blocks = _blocks(file, encoding)
        first = next(blocks, b"")
        text = _decoded(first[:_SAMPLE_BYTES].rpartition(b"\n")[0] or first)
        header, _, delimiter = read_delimited(text, path, options.delimiter)
        names = unique_names(map(clean_text, header))
        found = _found(names, path, options)
        form = _Form(names, list(found.values()), delimiter)
        blank = first[: len(first) - len(first.lstrip(b"\r\n \0"))]
        body = first[len(blank) :].partition(b"\n")[2]
        if text.lstrip()[:5].lower().strip('"').startswith("sep="):
            body = body.partition(b"\n")[2]
        while body:
            table, problems = form.parse(body)
            yield LogPart({name: table[key] for name, key in found.items()}, problems)
            body = next(blocks, b"")


def _encoding(sample: bytes, path: str, given: str) -> str:
    """Python's name of the encoding, where it is sure; else UTF-8."""
    if given:
        return decode(b"", path, given)[1]
    try:
        return decode(sample.rpartition(b"\n")[0] or sample, path)[1]
    except FitRankError:
        # Rows of other encodings are counted one by one.
        return "utf-8"


def _blocks(file: BinaryIO, encoding: str) -> Iterator[bytes]:
    """Blocks of whole lines as UTF-8; what cannot be decoded holds U+FFFD."""
    recode = codecs.getincrementaldecoder(encoding)("replace")
    rest, is_first = b"", True
    while data := file.read(_BLOCK_BYTES):
        data = data if encoding == "utf-8" else recode.decode(data).encode()
        if is_first:
            data, is_first = data.removeprefix(codecs.BOM_UTF8), False
        whole, end, tail = data.rpartition(b"\n")
        if end:
            yield rest + whole + end
            rest = tail
        else:
            rest += data
    if rest:
        yield rest


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")


@dataclasses.dataclass(frozen=True)
class _Form:
    """The header of a CSV file, the columns of it that are read, and its delimiter."""

    names: Sequence[str]
    wanted: Sequence[str]
    delimiter: str

    def parse(self, block: bytes) -> tuple[pa.Table, Mapping[str, int]]:
        """The rows of a block, and the problems of those that are left out.

        Arrow reads blocks with quotes that match; others are read record by record.
        """
        skipped: Counter[str] = Counter()

        def skip(row: pa_csv.InvalidRow) -> str:
            more = row.actual_columns > row.expected_columns
            skipped[MORE_CELLS if more else _FEWER_CELLS] += 1
            return "skip"

        try:
            table = pa_csv.read_csv(
                pa.BufferReader(block),
                pa_csv.ReadOptions(column_names=self.names, block_size=len(block) + 1),
                pa_csv.ParseOptions(
                    delimiter=self.delimiter,
                    quote_char='"' if b'"' in block else False,
                    invalid_row_handler=skip,
                ),
                pa_csv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(self.names, pa.binary()),
                    include_columns=self.wanted,
                ),
            )
        except pa.ArrowInvalid:
            return self._parse_slowly(block)
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if b'"' in block and table.num_rows + skipped.total() != lines:
            return self._parse_slowly(block)
        return table, skipped

    def _parse_slowly(self, block: bytes) -> tuple[pa.Table, Mapping[str, int]]:
        head = self.delimiter.join(f'"{name}"' for name in self.names)
        text = f"{head}\n{_decoded(block)}"
        _, rows, _ = read_delimited(text, "", self.delimiter)
        sound = [row.cells for row in rows if not row.problem]
        places = [self.names.index(name) for name in self.wanted]
        columns = [
            pa.array([str(cells[place]).encode() for cells in sound], pa.binary())
            for place in places
        ]
        problems = Counter(row.problem for row in rows if row.problem)
        return pa.table(columns, list(self.wanted)), problems


def _found(names: Sequence[str], path: str, options: LogOptions) -> dict[str, str]:
    """{column of `COLUMNS`: its name in the file}.

    Raises:
        FitRankError: if a needed column is missing.
    """
    by_key = {header_key(name): name for name in reversed(names)}
    found = {}
    for column, usual in COLUMNS.items():
        given = options.names.get(column)
        keys = [header_key(given)] if given else list(usual)
        name = next((by_key[key] for key in keys if key in by_key), None)
        if given and name is None:
            raise FitRankError(
                f"{path}: no column {given!r}, which --columns names as {column}; it has "
                f"{', '.join(names)}"
            )
        if name is not None:
            found[column] = name
    if "clicks" in found and "impressions" in found:
        found.pop("clicked", None)
    needed = ["query", "product", "position"]
    if "clicks" not in found or "impressions" not in found:
        needed.append("clicked")
    missing = [column for column in needed if column not in found]
    if missing:
        raise FitRankError(
            f"{path}: no column for {' and '.join(missing)}; it has {', '.join(names)}; "
            f"name it with --columns {missing[0]}=NAME"
        )
    if "clicked" in found:
        found = {k: v for k, v in found.items() if k not in ("clicks", "impressions")}
    return found
