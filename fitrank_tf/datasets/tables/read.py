"""One way in for tables: CSV, JSON Lines, Parquet, Arrow and Excel files."""

import dataclasses
import hashlib
import logging
import re
from collections.abc import Sequence
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.tables.arrow import read_arrow, read_parquet
from fitrank_tf.datasets.tables.cells import clean_text, words
from fitrank_tf.datasets.tables.delimited import read_delimited
from fitrank_tf.datasets.tables.encoding import UNDECODED, decode
from fitrank_tf.datasets.tables.excel import read_excel
from fitrank_tf.datasets.tables.header import FIRST_ROW, Header
from fitrank_tf.datasets.tables.json_lines import read_json
from fitrank_tf.datasets.tables.markup import is_markup, read_markup
from fitrank_tf.datasets.tables.packed import ZIP, unpacked
from fitrank_tf.datasets.tables.table import NOT_DECODED, RawRow, Table, unique_names

logger = logging.getLogger(__name__)

_PARQUET, _ARROW, _ARROW_STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_NUM_MAGIC = 6
# The index that pandas writes, also as it reads it again.
_UNNAMED = re.compile(r"unnamed: \d+(?:[._]\w+)*", re.IGNORECASE)

_READ = tuple[tuple[str, ...], list[RawRow], str]


@dataclasses.dataclass(frozen=True)
class TableOptions:
    r"""What a table may say of itself badly; all of it is found out by default.

    Attributes:
        encoding: Python's name of a text file's encoding.
        delimiter: the character between the cells of a text file; "\t" for a tab.
        surplus: the column to which the surplus cells of a row belong, because its cells
            hold the delimiter without quotes.
        header: tells the header from titles, notes and sheets before it.

    Raises:
        FitRankError: for a delimiter of several characters.
    """

    encoding: str = ""
    delimiter: str = ""
    surplus: str = ""
    header: Header = FIRST_ROW

    def __post_init__(self) -> None:
        if self.delimiter == "\\t":
            object.__setattr__(self, "delimiter", "\t")
        if len(self.delimiter) > 1 or self.delimiter in ('"', "\n", "\r"):
            raise FitRankError(
                f"--delimiter {self.delimiter!r}: give the one character between cells"
            )


def read_table(path: str, options: TableOptions = TableOptions()) -> Table:
    """Reads a table; its kind is told by the first bytes, not by the name.

    Args:
        path: of the file.
        options: of the reading.

    Raises:
        FitRankError: if the file cannot be read, or its encoding or delimiter cannot be
            told apart.
    """
    file = Path(path).expanduser()
    try:
        with file.open("rb") as opened:
            magic = opened.read(_NUM_MAGIC)
            opened.seek(0)
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            opened.seek(0)
            is_arrow = magic.startswith((_PARQUET, _ARROW, _ARROW_STREAM))
            data = b"" if is_arrow else opened.read()
    except OSError as error:
        raise FitRankError(
            f"{path}: cannot be read ({error.strerror}); name a CSV, JSON Lines, Parquet, "
            "Arrow or Excel file"
        ) from error
    read = _read_arrow(magic, path) if is_arrow else _read_data(data, path, options)
    return _table(path, digest, *read)


def parse_table(data: bytes, path: str, options: TableOptions = TableOptions()) -> Table:
    """As `read_table`, of the bytes of a file.

    Args:
        data: the file's bytes.
        path: name of the file in messages.
        options: of the reading.

    Raises:
        FitRankError: as `read_table`.
    """
    digest = hashlib.sha256(data).hexdigest()
    return _table(path, digest, *_read_data(data, path, options))


def _read_arrow(magic: bytes, path: str, data: bytes = b"") -> _READ:
    file = str(Path(path).expanduser())
    if magic.startswith(_PARQUET):
        return *read_parquet(file, data), "Parquet"
    return *read_arrow(file, magic.startswith(_ARROW_STREAM), data), "Arrow"


def _read_data(data: bytes, path: str, options: TableOptions) -> _READ:
    data = unpacked(data, path)
    if data.startswith((_PARQUET, _ARROW, _ARROW_STREAM)):
        return _read_arrow(data[:_NUM_MAGIC], path, data)
    if data.startswith((ZIP, _OLD_EXCEL)):
        header, rows, sheet = read_excel(data, path, options.header)
        return header, rows, f"Excel, sheet {sheet!r}"
    text, encoding = decode(data, path, options.encoding)
    if text.lstrip()[:1] in ("{", "["):
        header, rows = read_json(text, options.header)
        return header, _decoded(rows, text), f"JSON, {encoding}"
    if is_markup(text):
        header, rows, kind = read_markup(text, path, options.header)
        return header, _decoded(rows, text), f"{kind}, {encoding}"
    header, rows, delimiter = read_delimited(
        text, path, options.delimiter, options.surplus, options.header
    )
    return header, _decoded(rows, text), f"CSV, {encoding}, {delimiter!r}"


def _decoded(rows: list[RawRow], text: str) -> list[RawRow]:
    """The rows; those with text that could not be decoded have a problem."""
    if not UNDECODED.search(text):
        return rows
    return [
        RawRow(row.line, row.cells, NOT_DECODED)
        if not row.problem and any(map(UNDECODED.search, filter(_is_text, row.cells)))
        else row
        for row in rows
    ]


def _is_text(cell: object) -> bool:
    return isinstance(cell, str)


def _table(
    path: str, digest: str, header: Sequence[str], rows: Sequence[RawRow], reading: str
) -> Table:
    """The table without columns that have no name; a name that comes twice is numbered."""
    unnamed = frozenset(words()["unnamed"])
    cleaned = [clean_text(str(cell)) for cell in header]
    kept = []
    for index, name in enumerate(cleaned):
        if name.casefold() not in unnamed and not _UNNAMED.fullmatch(name):
            kept.append(index)
        elif any(_is_given(row, index) for row in rows):
            logger.warning("%s: column %d has no name: left out", path, index + 1)
    names = unique_names(cleaned[index] for index in kept)
    for index, name in zip(kept, names):
        if name != (own := cleaned[index]):
            logger.warning(
                "%s: column %d is named %r: read as %r", path, index + 1, own, name
            )
    if len(names) < len(header):
        rows = [RawRow(r.line, [r.cells[n] for n in kept], r.problem) for r in rows]
    return Table(path, digest, tuple(names), rows, reading)


def _is_given(row: RawRow, index: int) -> bool:
    return row.cells[index] not in (None, "")
