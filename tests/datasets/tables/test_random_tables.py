"""Random tables, and tables with damaged bytes: no traceback, nothing lost uncounted."""

import contextlib
import csv
import gzip
import io
import json
import lzma
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.tables import (
    Blob,
    Header,
    Table,
    TableOptions,
    parse_table,
    read_table,
)
from fitrank_tf.datasets.tables.cells import cell_text, clean_text
from tests.datasets.tables.test_read import workbook

EXAMPLES = [40, pytest.param(2000, marks=pytest.mark.slow)]
HEADER = ["id", "text", "colour"]
_OF_PRODUCTS = TableOptions(header=Header((("id",), ("text",))))

# Signs that have a meaning somewhere in a table, and letters of several scripts.
_TEXTS = st.text(
    st.sampled_from(" \t\n\r\"'\\,;|=[]{}<>&#/.-0189aZéßñøЖ赤\u00a0\u200b\ufeff\u2028\x00"),
    max_size=12,
) | st.sampled_from(["nan", "1163.0", "&amp;", "<b>x</b>", '15"', "['a', 'b']", "x=;"])
_ROWS = st.lists(st.tuples(_TEXTS, _TEXTS, _TEXTS), max_size=8)


def checked(examples: int, **strategies: Any) -> Callable[[Callable], None]:
    """Calls a function with `examples` random arguments, the same ones each time."""
    rules = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    return lambda function: rules(given(**strategies)(function))()


def read_or_refused(read: Callable[[], Table]) -> Table | None:
    """The table, or None if it was refused in one line. Every cell has been read."""
    try:
        table = read()
    except FitRankError as error:
        assert "\n" not in str(error)
        return None
    assert [row.line for row in table.rows] == sorted(row.line for row in table.rows)
    for name in table.header:
        for column in (table.texts(name), table.values(name, "|"), table.photos(name)):
            assert len(column) == len(table.rows)
        for text in table.texts(name):
            text.encode("utf-8")
        for photo in (photo for cell in table.photos(name) for photo in cell):
            if isinstance(photo, Blob):
                with contextlib.suppress(OSError):
                    photo.read()
    return table


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_written_rows_are_read_or_counted(examples: int, encoding: str) -> None:
    @checked(
        examples,
        rows=_ROWS,
        delimiter=st.sampled_from(",;\t|"),
        quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        end=st.sampled_from(["\n", "\r\n"]),
    )
    def check(rows: list[tuple[str, ...]], delimiter: str, quoting: int, end: str) -> None:
        file = io.StringIO()
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end)
        writer.writerow(HEADER)
        writer.writerows(rows)
        data = file.getvalue().encode(encoding)
        table = read_or_refused(lambda: parse_table(data, "t.csv"))
        if table is None:
            return
        read = [
            tuple(map(cell_text, row.cells)) if not row.problem else None
            for row in table.rows
        ]
        # Null characters fill up files: a row of nothing else is a blank one.
        given_rows = [row for row in rows if "".join(row).replace("\0", "").strip()]
        lost = [row for row in given_rows if tuple(map(cell_text, row)) not in read]
        assert len(read) >= len(given_rows)
        assert len(lost) <= read.count(None), (lost, read)

    del check


def damaged(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """`data` with some bytes replaced: (place in 0..1, bytes to remove, bytes instead)."""
    for place, removed, instead in changes:
        start = int(place * len(data))
        data = data[:start] + instead + data[start + removed :]
    return data


_CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 3),
        st.binary(max_size=2)
        | st.sampled_from([b'"', b"\n", b"\xff\xff\xff\x7f", b",", b"\0"]),
    ),
    min_size=1,
    max_size=4,
)
_PHOTOS = [{"bytes": b"\xff\xd8" + bytes(range(n)), "path": f"{n}.jpg"} for n in range(12)]
_COLUMNS = {
    "id": [f"p{n}" for n in range(12)],
    "text": ["Café, crème", 'Shirt 15"', None] * 4,
    "price": [9.5, None, 7.0] * 4,
    "image": _PHOTOS,
}
_PLAIN = [dict(zip(_COLUMNS, cells)) for cells in zip(*_COLUMNS.values())]


def _csv_bytes() -> bytes:
    file = io.StringIO()
    rows = ([row["id"], row["text"], row["price"], row["image"]["path"]] for row in _PLAIN)
    csv.writer(file).writerows([list(_COLUMNS), *rows])
    return file.getvalue().encode()


def _arrow_bytes(write: Callable[..., None], **options: Any) -> bytes:
    file = pa.BufferOutputStream()
    write(pa.table(_COLUMNS), file, **options)
    return file.getvalue().to_pybytes()


_JSON = [{**row, "image": row["image"]["path"]} for row in _PLAIN]
_REAL = {
    "CSV": _csv_bytes(),
    "gzip": gzip.compress(_csv_bytes(), mtime=0),
    "JSON Lines": "\n".join(map(json.dumps, _JSON)).encode(),
    "JSON": json.dumps(_JSON, indent=1).encode(),
    "JSON inside": json.dumps({"products": _JSON}).encode(),
    "JSON columns": json.dumps(
        {key: [row[key] for row in _JSON] for key in _COLUMNS}
    ).encode(),
    "XML": b"<shop>"
    + b"".join(f"<p><id>p{n}</id><text>Caf\u00e9</text></p>".encode() for n in range(12))
    + b"</shop>",
    "HTML": b"<table><tr><th>id<th>text</tr>"
    + b"".join(b"<tr><td>p%d</td><td>Shirt</td></tr>" % n for n in range(12))
    + b"</table>",
    "xz": lzma.compress(_csv_bytes()),
    "Excel": workbook(
        [list(_COLUMNS), *([r["id"], r["text"], r["price"]] for r in _PLAIN)]
    ),
    "Parquet": _arrow_bytes(pq.write_table, row_group_size=5),
    "Feather": _arrow_bytes(feather.write_feather, chunksize=5),
}


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("kind", _REAL)
def test_damaged_files_are_read_or_refused(examples: int, kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t"

        @checked(examples, changes=_CHANGES)
        def check(changes: list[tuple[float, int, bytes]]) -> None:
            path.write_bytes(damaged(_REAL[kind], changes))
            read_or_refused(lambda: read_table(str(path), _OF_PRODUCTS))

    del check


@pytest.mark.parametrize("examples", EXAMPLES)
def test_lines_of_a_damaged_csv_are_all_counted(examples: int) -> None:
    """Without quotes every line that is not empty is a row, good or with a problem.

    A line in which a line end lost one of its two characters is one row or two.
    """
    data = _REAL["CSV"].replace(b'"', b"")

    @checked(examples, changes=_CHANGES)
    def check(changes: list[tuple[float, int, bytes]]) -> None:
        text = damaged(data, changes).replace(b'"', b"").decode("utf-8", "replace")
        table = read_or_refused(lambda: parse_table(text.encode(), "t.csv"))
        if table is not None and table.reading.startswith("CSV"):
            nothing = str.maketrans("", "", table.reading[-2] + "\0")
            least, most = (
                sum(1 for line in lines if line.translate(nothing).strip())
                for lines in (
                    text.split("\n" if "\n" in text else "\r"),
                    re.split("[\r\n]", text),
                )
            )
            assert least <= len(table.rows) + 1 <= most

    del check


@pytest.mark.parametrize("examples", EXAMPLES)
def test_cleaning_twice_changes_nothing(examples: int) -> None:
    @checked(examples, text=_TEXTS | st.text(st.characters(), max_size=20))
    def check(text: str) -> None:
        once = clean_text(text)
        once.encode("utf-8")
        assert clean_text(once) == once

    del check
