"""Parquet and Arrow files, those of Hugging Face's `datasets` among them."""

import datetime
import decimal
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.tables import Blob, Table, read_table
from fitrank_tf.datasets.tables.arrow import DAMAGED
from fitrank_tf.datasets.tables.table import NOT_DECODED


def write_stream(table: pa.Table, path: str) -> None:
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)


WRITERS: dict[str, Callable[[pa.Table, str], None]] = {
    "parquet": lambda table, path: pq.write_table(table, path, row_group_size=2),
    "feather": lambda table, path: feather.write_feather(table, path, chunksize=2),
    "stream": write_stream,
}


def written(folder: Path, table: pa.Table, kind: str = "parquet") -> Table:
    path = str(folder / "t.bin")
    WRITERS[kind](table, path)
    return read_table(path)


@pytest.mark.parametrize("kind", WRITERS)
def test_photos_of_hugging_face(tmp_path: Path, kind: str) -> None:
    photos = [
        {"bytes": b"\xff\xd8a", "path": "a.jpg"},
        {"bytes": None, "path": "b.jpg"},
        {"bytes": b"\xff\xd8c", "path": None},
        None,
        {"bytes": b"\xff\xd8e", "path": "e.jpg"},
    ]
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel"}}
    features["label"]["names"] = ["Shirts", "Shoes"]
    info = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pa.table({"image": photos, "label": [0, 1, -1, None, 1]})
    read = written(tmp_path, table.replace_schema_metadata(info), kind)
    assert read.header == ("image", "label")
    assert read.texts("label") == ["Shirts", "Shoes", "", "", "Shoes"]
    first, second, third, fourth, fifth = read.photos("image")
    assert (second, fourth) == (["b.jpg"], [])
    assert [each.read() for (each,) in (fifth, first, third)] == [
        b"\xff\xd8e",
        b"\xff\xd8a",
        b"\xff\xd8c",
    ]
    assert (first[0].name, third[0].name) == ("a.jpg", "")


@pytest.mark.parametrize("kind", WRITERS)
def test_bytes_are_photos_or_text(tmp_path: Path, kind: str) -> None:
    table = pa.table(
        {
            "id": pa.array([b"a-1", "é".encode(), None], pa.binary()),
            "image": pa.array([b"\xff\xd8a", None, b"\x89PNG"], pa.large_binary()),
            "several": pa.array([[b"\xff\xd8x", b"\xff\xd8y"], [], None]),
        }
    )
    read = written(tmp_path, table, kind)
    assert read.texts("id") == ["a-1", "é", ""]
    (first,), second, (third,) = read.photos("image")
    assert isinstance(first, Blob)
    assert (first.read(), second, third.read()) == (b"\xff\xd8a", [], b"\x89PNG")
    assert [photo.read() for photo in read.photos("several")[0]] == [
        b"\xff\xd8x",
        b"\xff\xd8y",
    ]
    assert read.texts("image") == ["", "", ""]


def test_values_of_all_types(tmp_path: Path) -> None:
    columns = {
        "id": pa.array([1163.0, None], pa.float64()),
        "price": pa.array([9.99, 5.0], pa.float32()),
        "exact": pa.array([decimal.Decimal("19.90"), decimal.Decimal("7.00")]),
        "colour": pa.array(["Red", None]).dictionary_encode(),
        "tags": pa.array([["a", "b"], None]),
        "new": pa.array([True, False]),
        "day": pa.array([datetime.date(2012, 5, 1), None]),
        "at": pa.array([1_335_830_400_000_000_001, 0], pa.timestamp("ns")),
        "zoned": pa.array([0, 90_061], pa.timestamp("s", "Europe/Berlin")),
        "size": pa.array([{"eu": 42, "more": {"uk": "8"}}, None]),
    }
    read = written(tmp_path, pa.table(columns))
    assert {name: read.texts(name) for name in read.header} == {
        "id": ["1163", ""],
        "price": ["9.99", "5"],
        "exact": ["19.90", "7"],
        "colour": ["Red", ""],
        "tags": ["a, b", ""],
        "new": ["True", "False"],
        "day": ["2012-05-01", ""],
        "at": ["2012-05-01 00:00:00.000000001", "1970-01-01"],
        "zoned": ["1970-01-01", "1970-01-02 01:01:01"],
        "size.eu": ["42", ""],
        "size.more.uk": ["8", ""],
    }
    assert read.values("tags") == [("a", "b"), ()]
    assert [row.line for row in read.rows] == [1, 2]


def test_text_that_is_not_utf_8_is_left_out(tmp_path: Path) -> None:
    data = pa.array([b"Shirt", b"Caf\xe9", b"Hat"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, data.buffers())
    read = written(tmp_path, pa.table({"id": ["1", "2", "3"], "text": text}), "feather")
    assert [row.problem for row in read.rows] == ["", NOT_DECODED, ""]
    assert read.texts("text") == ["Shirt", "", "Hat"]


def test_columns_of_one_name(tmp_path: Path) -> None:
    table = pa.table([["1"], ["Shirt"], ["Hat"]], ["id", "text", "text"])
    read = written(tmp_path, table, "feather")
    assert [read.texts(name) for name in read.header] == [["1"], ["Shirt"], ["Hat"]]
    assert read.header == ("id", "text", "text (2)")


def test_a_damaged_part_is_left_out_with_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pa.table({"id": [f"p{n}" for n in range(6)]})
    pq.write_table(table, path, row_group_size=2, use_dictionary=False, compression="none")
    data = bytearray(path.read_bytes())
    place = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data[place : place + 20] = b"\xff" * 20
    path.write_bytes(data)
    read = read_table(str(path))
    assert read.texts("id") == ["p0", "p1", "", "", "p4", "p5"]
    assert [(r.line, r.problem) for r in read.rows if r.problem] == [
        (3, DAMAGED),
        (4, DAMAGED),
    ]


@pytest.mark.parametrize(
    "data", [b"PAR1", b"PAR1 no Parquet", b"ARROW1", b"\xff\xff\xff\xff"]
)
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.bin"
    path.write_bytes(data)
    with pytest.raises(FitRankError, match=r"t\.bin: cannot be read as") as error:
        read_table(str(path))
    assert "\n" not in str(error.value)
