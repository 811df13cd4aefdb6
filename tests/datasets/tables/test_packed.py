"""Compressed tables, tables alone in an archive, and what cannot be unpacked."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Mapping

import pyarrow as pa
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.tables.packed import unpacked
from tests.datasets.tables.test_read import workbook

TABLE = b"id,text\n" + b"1163,Red Shirt\n" * 40


def _zip(files: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


PACK = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "Zstandard": lambda data: pa.compress(data, "zstd", asbytes=True),
    "zip": lambda data: _zip({"p.csv": data}),
}


@pytest.mark.parametrize("kind", PACK)
def test_a_packed_table_is_unpacked(kind: str) -> None:
    assert unpacked(PACK[kind](TABLE), "t") == TABLE
    assert unpacked(PACK[kind](PACK["gzip"](TABLE)), "t") == TABLE
    assert unpacked(PACK[kind](b""), "t") == b""


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "Zstandard"])
def test_damaged_bytes_are_refused_in_one_line(kind: str) -> None:
    said = r"^shop\.csv: cannot be unpacked \(.+\); pack it again$"
    for size in (10, len(PACK[kind](TABLE)) - 3):
        with pytest.raises(FitRankError, match=said):
            unpacked(PACK[kind](TABLE)[:size], "shop.csv")


def test_a_damaged_member_of_an_archive_is_refused() -> None:
    data = PACK["zip"](TABLE).replace(b"Red", b"red", 1)
    with pytest.raises(FitRankError, match=r"^t: cannot be unpacked \(Bad CRC.*p\.csv"):
        unpacked(data, "t")


def test_three_layers_are_unpacked_and_no_more() -> None:
    data, layers = TABLE, [TABLE]
    for _ in range(5):
        data = PACK["gzip"](data)
        layers.append(data)
    for number, packed in enumerate(layers):
        assert unpacked(packed, "t") == layers[max(number - 3, 0)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        TABLE,
        workbook([["id", "text"], ["1", "Hat"]]),
        workbook([["id", "text"], ["1", "Hat"]])[:-30],
        _zip(
            {"mimetype": b"application/vnd.oasis", "content.xml": b"<x/>", "p.csv": TABLE}
        ),
        _zip({"[Content_Types].xml": b"<x/>", "p.csv": TABLE}),
        b"PK\x03\x04 cut off",
    ],
    ids=["none", "two", "CSV", "Excel", "cut off", "OpenDocument", "xlsx", "zip"],
)
def test_what_is_not_packed_and_workbooks_stay_as_they_are(data: bytes) -> None:
    assert unpacked(data, "t") == data


@pytest.mark.parametrize("name", ["p.csv", "shop/2024/P.CSV", "a.b.jsonl", "shop.x/p.txt"])
@pytest.mark.parametrize(
    "other",
    ["a.jpg", "csv", "p.csv.jpg", "p.csv/a.jpg", ".p.csv", "shop/._p.csv"]
    + ["__MACOSX/p.csv", "__MACOSX/shop/p.csv"],
)
def test_the_only_table_of_an_archive_is_found(name: str, other: str) -> None:
    assert unpacked(_zip({other: b"\0", name: TABLE}), "t") == TABLE


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "no table"),
        (["a.jpg", ".b.csv"], "no table"),
        (["a.csv", "x/b.tsv"], r"a\.csv, x/b\.tsv"),
        ([f"{n}.csv" for n in range(5)], r"0\.csv, 1\.csv, 2\.csv, 3\.csv, 4\.csv"),
        ([f"{n}.csv" for n in range(7)], r"0\.csv, 1\.csv, 2\.csv, 3\.csv, 4\.csv"),
    ],
)
def test_an_archive_of_no_table_or_several_is_refused(names: list[str], said: str) -> None:
    data = _zip(dict.fromkeys(names or ["a.jpg"], TABLE))
    with pytest.raises(
        FitRankError, match=f"^t: the archive holds {said}; unpack it, and name a table$"
    ):
        unpacked(data, "t")
