"""Catalogues in the state in which people have them: the products that a person reads."""

import base64
import bz2
import gzip
import io
import json
import logging
import lzma
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.attributes import NUMBER
from fitrank_tf.datasets.csv_catalogue import CsvCatalogueOptions, CsvSource
from fitrank_tf.datasets.product_builder import checked_rows, first_usable_photo
from fitrank_tf.datasets.product_source import ProductRow
from fitrank_tf.datasets.tables.delimited import HEADER_AGAIN
from tests.datasets.small_catalogues import noise_photo, write_files
from tests.datasets.tables.test_read import workbook

HEAD = ["id", "title", "image", "price"]
ROWS = [
    ["1163", "Red Shirt", "a.jpg", "1,299.00"],
    ["1164", "Hat, blue", "b.jpg", "59.90"],
    ["1165", "Shoe", "c.jpg", "20.00"],
]
CSV = 'id,title,image,price\n1163,Red Shirt,a.jpg,"1,299.00"\n'
CSV += '1164,"Hat, blue",b.jpg,59.90\n1165,Shoe,c.jpg,20.00\n'
LINES = CSV.splitlines(keepends=True)
RECORDS = [dict(zip(HEAD, row)) for row in ROWS]
PHOTO = noise_photo(1)
BASE64 = base64.b64encode(PHOTO).decode()


def opened(folder: Path, data: str | bytes, **options: object) -> CsvSource:
    names = [f"{name}.jpg" for name in ("a", "b", "c", "a2", "b2", "P&G")]
    write_files(folder, dict.fromkeys(names, PHOTO))
    data = data if isinstance(data, bytes) else data.encode()
    write_files(folder, {"table": data})
    return CsvSource(CsvCatalogueOptions(str(folder / "table"), **options))


def good_rows(source: CsvSource) -> list[ProductRow]:
    return [row for row, problem in checked_rows(source) if not problem]


def _zip(files: dict[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def _parquet() -> bytes:
    file = io.BytesIO()
    columns = {name: [row[n] for row in ROWS] for n, name in enumerate(HEAD)}
    arrays = {name: pa.array(cells, pa.large_string()) for name, cells in columns.items()}
    pq.write_table(pa.table(arrays | {"title": arrays["title"].dictionary_encode()}), file)
    return file.getvalue()


def _quoted_as_whole(line: str) -> str:
    return '"' + line.rstrip("\n").replace('"', '""') + '"\n'


def _in_quotes(begin: str, end: str) -> str:
    rows = [HEAD, *ROWS]
    return "".join(",".join(f"{begin}{cell}{end}" for cell in row) + "\n" for row in rows)


TABLES = {
    "title above the header": "Our products\nAs of 2024-05-01, in EUR\n\n" + CSV,
    "notes above the header": "# export\n# of the shop\n" + CSV,
    "line of units below the header": CSV.replace("\n", "\n,,,EUR\n", 1),
    "ends of lines of Unix, then of an old Mac": LINES[0]
    + LINES[1]
    + "\r".join(map(str.rstrip, LINES[2:])),
    "ends of lines of an old Mac, the last of Unix": CSV.strip().replace("\n", "\r") + "\n",
    "null characters": CSV.replace("Shirt", "Shi\0rt").replace("Shoe", "Shoe\0\0"),
    "byte order mark in the middle": f"\ufeff{CSV}\ufeff{LINES[0]}",
    "byte order mark before a quote": "".join(LINES[:2])
    + '\ufeff"1164","Hat, blue",b.jpg,59.90\n'
    + LINES[3],
    "lines quoted as a whole": "".join(map(_quoted_as_whole, LINES)),
    "some lines quoted as a whole": LINES[0]
    + "".join(map(_quoted_as_whole, LINES[1:3]))
    + LINES[3],
    "single quotes": _in_quotes("'", "'"),
    "curly quotes": _in_quotes("“", "”"),
    "low curly quotes": _in_quotes("„", "“"),
    "two bars": "\n".join("||".join(row) for row in [HEAD, *ROWS]),
    "a table of Markdown": "\n".join(
        f"| {' | '.join(row)} |" for row in [HEAD, [":--"] * 4, *ROWS]
    ),
    "row names of R": LINES[0]
    + "".join(f'"{number}",{line}' for number, line in enumerate(LINES[1:], 1)),
    "index that pandas wrote twice": "Unnamed: 0.1,Unnamed: 0," + "0,0,".join(LINES),
    "bzip2": bz2.compress(CSV.encode()),
    "xz": lzma.compress(CSV.encode()),
    "Zstandard": pa.compress(CSV.encode(), "zstd", asbytes=True),
    "zip of a table with photos": _zip(
        {"shop/p.csv": CSV, "shop/a.jpg": PHOTO, "__MACOSX/shop/._p.csv": b"\0"}
    ),
    "Parquet with dictionaries": _parquet(),
    "Parquet in gzip": gzip.compress(_parquet(), mtime=0),
    "Parquet in zip": _zip({"p.parquet": _parquet()}),
    "JSON, an object that holds the products": json.dumps({"n": 3, "products": RECORDS}),
    "JSON, the products deep inside": json.dumps({"data": {"items": RECORDS}}, indent=1),
    "JSON, products by id": json.dumps(
        {row["id"]: {key: row[key] for key in HEAD[1:]} for row in RECORDS}
    ),
    "JSON, columns of pandas": json.dumps(
        {key: {str(n): row[key] for n, row in enumerate(RECORDS)} for key in HEAD}
    ),
    "JSON, columns": json.dumps({key: [row[key] for row in RECORDS] for key in HEAD}),
    "JSON, split by pandas": json.dumps({"columns": HEAD, "index": [0, 1], "data": ROWS}),
    "JSON, rows": json.dumps([HEAD, *ROWS]),
    "JSON, objects in several lines": "\n".join(json.dumps(r, indent=2) for r in RECORDS),
    "JSON, objects in one line": "".join(map(json.dumps, RECORDS)),
    "JSON Lines with commas": ",\n".join(map(json.dumps, RECORDS)),
    "XML": "<?xml version='1.0' encoding='UTF-8'?><shop><name>X</name><products>"
    + "".join(
        f"<product>{''.join(f'<{k}>{v}</{k}>' for k, v in row.items())}</product>"
        for row in RECORDS
    )
    + "</products></shop>",
    "a feed of Google's": "<rss xmlns:g='http://base.google.com/ns/1.0'><channel>"
    + "".join(
        f"<item><g:id>{row['id']}</g:id><title><![CDATA[{row['title']}]]></title>"
        f"<g:image_link>{row['image']}</g:image_link><g:price>{row['price']} USD</g:price>"
        "</item>"
        for row in RECORDS
    )
    + "</channel></rss>",
    "attributes of XML": "<list>"
    + "".join(
        f"<p {' '.join(f'{key}={value!r}' for key, value in row.items())} />"
        for row in RECORDS
    )
    + "</list>",
    "a table of HTML": "<html><head><title>Shop</title></head><table><tr><td>Menu</table>"
    "<table border=1><tr><td colspan=4>Our products</td></tr>\n<tr>"
    + "</tr>\n<tr>".join(
        "".join(f"<td>{cell}</td>" for cell in row)
        for row in [HEAD, *(r[:2] + [f"<img src='{r[2]}'>", r[3]] for r in ROWS)]
    )
    + "</table></html>",
    "Excel, a title and merged cells": workbook(
        [["Our products"], [None], ["All", None, "More", None], HEAD, *ROWS]
    ),
    "Excel, a hidden sheet": workbook([["Red"], ["Blue"]], [HEAD, *ROWS], hidden=1),
    "Excel, a cover": workbook([["Read me", "a"], ["b", "c"]], [HEAD, *ROWS]),
    "Excel, hidden sheets alone": workbook([HEAD, *ROWS], hidden=1),
}


@pytest.mark.parametrize("kind", TABLES)
def test_the_products_that_a_person_reads(tmp_path: Path, kind: str) -> None:
    source = opened(tmp_path, TABLES[kind])
    rows = good_rows(source)
    assert [(row.id, row.text, *row.photos) for row in rows] == [
        tuple(row[:3]) for row in ROWS
    ]
    assert all(first_usable_photo(source, row).image for row in rows)
    (price,) = source.declaration.attributes
    assert (price.name, price.kind) == ("price", NUMBER)
    assert [price.cell(row.attributes["price"]) for row in rows] == ["1299", "59.9", "20"]


def test_what_is_passed_over_is_said(tmp_path: Path, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        opened(tmp_path, TABLES["title above the header"])
        opened(tmp_path, TABLES["Excel, a cover"])
    assert caplog.messages[0].endswith("lines 1 to 3 stand above the header: passed over")
    assert caplog.messages[1].endswith("other sheets are not read: S1")


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    source = opened(tmp_path, TABLES["title above the header"])
    assert [row.line for row in source.rows()] == [5, 6, 7]
    deep = opened(tmp_path, json.dumps({"items": RECORDS}, indent=0))
    assert [row.line for row in deep.rows()] == [3, 9, 15]


def test_a_second_header_is_counted(tmp_path: Path) -> None:
    source = opened(tmp_path, TABLES["byte order mark in the middle"])
    assert [row.problem for row in source.rows()] == ["", "", "", HEADER_AGAIN]


def test_a_header_is_known_by_the_columns_that_are_named(tmp_path: Path) -> None:
    text = "Unsere Ware\n\nNr,Ware,Foto\n1,Hemd,a.jpg\n"
    columns = (("id", "Nr"), ("text", "ware"), ("image", "Foto"))
    (row,) = opened(tmp_path, text, columns=columns).rows()
    assert (row.id, row.text, row.photos, row.line) == ("1", "Hemd", ("a.jpg",), 4)


def test_an_object_that_is_cut_off_keeps_its_products(tmp_path: Path) -> None:
    text = json.dumps({"products": RECORDS}, indent=1)
    source = opened(tmp_path, text[: text.index("Shoe")])
    assert [bool(row.problem) for row in source.rows()] == [False, False, True]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (_zip({"a.csv": CSV, "b.tsv": CSV}), r"the archive holds a\.csv, b\.tsv; unpack"),
        (_zip({"a.jpg": PHOTO}), "the archive holds no table; unpack"),
        (lzma.compress(CSV.encode())[:-9], "cannot be unpacked"),
        (b"\x28\xb5\x2f\xfd damaged", "cannot be unpacked"),
        (PHOTO, "is a photo, no table"),
        (b"%PDF-1.7\n1 0 obj", "is a PDF file, no table"),
        (b"SQLite format 3\0" + bytes(500), "is an SQLite database, no table"),
        (b"<?xml version='1.0'?><a><b>", r"cannot be read as XML \(.*\); save it as CSV"),
        (b"<a><b>1</b></a>", "the XML holds no list of products; save it as CSV"),
        (b"<html><p>Not found</p></html>", "a web page without a table; save it as CSV"),
        (b"FEA1" + bytes(500), "is a Feather file of version 1, no table"),
        (bytes(range(128)) * 9, "is a binary file of unknown kind, no table"),
    ],
    ids=[
        *("two tables", "no table", "xz", "zstd", "photo", "PDF", "SQLite", "XML"),
        *("XML of one", "HTML", "FEA1", "?"),
    ],
)
def test_files_that_are_no_table_are_named(tmp_path: Path, data, message: str) -> None:
    with pytest.raises(FitRankError, match=message) as error:
        opened(tmp_path, data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("header", "cells", "photos"),
    [
        ("image1,image2", "a.jpg,a2.jpg", ("a.jpg", "a2.jpg")),
        ("Image 2 URL,Image 1 URL", "b.jpg,a.jpg", ("b.jpg", "a.jpg")),
        ("image,image", "a.jpg,a2.jpg", ("a.jpg", "a2.jpg")),
        (
            "additional_images,base_image",
            "b.jpg|b2.jpg,a.jpg",
            ("a.jpg", "b.jpg", "b2.jpg"),
        ),
        ("image,price", f"{BASE64},5", (f"data:;base64,{BASE64}",)),
        ("image,price", "P&amp;G.jpg,5", ("P&amp;G.jpg",)),
        ("image,price", "-,5", ()),
    ],
)
def test_photos_in_columns(tmp_path: Path, header, cells, photos) -> None:
    source = opened(tmp_path, f"id,title,{header}\n1,Shirt,{cells}\n")
    (row,) = source.rows()
    assert row.photos == photos
    assert set(source.declaration.names) <= {"price"}
    assert bool(first_usable_photo(source, row).image) == bool(photos)


@pytest.mark.parametrize(
    "image",
    [
        {"src": "a.jpg", "position": 1},
        [{"src": "a.jpg"}, {"src": "b.jpg"}],
        {"bytes": BASE64, "path": None},
        {"bytes": None, "path": "a.jpg"},
        {"url": "a.jpg"},
        "data:image/jpeg;base64," + BASE64,
    ],
)
def test_photos_in_json(tmp_path: Path, image) -> None:
    record = {"id": 1, "title": "Shirt", "image": image}
    source = opened(tmp_path, "\n".join(map(json.dumps, [record, {**record, "id": 2}])))
    assert all(first_usable_photo(source, row).image for row in source.rows())


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1.299", "59,90", "1.100,50"], ["1299", "59.9", "1100.5"]),
        (["1.299", "59.90", "1.100"], ["1.299", "59.9", "1.1"]),
        (["0,75 kg", "1,250 kg", "0,500 kg"], ["0.75", "1.25", "0.5"]),
        (["Rs. 1,299.00", "Rs.59", "Rs. 1,29,900"], ["1299", "59", "129900"]),
        (["CHF 1’299.00", "CHF 59.–", "CHF 20.-"], ["1299", "59", "20"]),
        (["US$ 20", "US$1,200", "7.50"], ["20", "1200", "7.5"]),
        (["45 mm", "60", "75mm"], ["45", "60", "75"]),
        (["36", "36C", "38"], None),
        (["42", "42½", "43"], None),
        (["1.jpg", "2.jpg", "3.jpg"], None),
        (["45 mm", "4 cm", "5"], None),
    ],
)
def test_numbers_as_shops_write_them(tmp_path: Path, cells, numbers) -> None:
    lines = "".join(f"{n};Shirt;{cell}\n" for n, cell in enumerate(cells))
    source = opened(tmp_path, f"id;title;value\n{lines}")
    (value,) = source.declaration.attributes
    assert (value.kind == NUMBER) == (numbers is not None)
    if numbers:
        read = [value.cell(row.attributes["value"]) for row in source.rows()]
        assert read == numbers


def test_rows_left_out_say_nothing_of_a_column(tmp_path: Path) -> None:
    text = "id,title,price\n1,Shirt,5\n2,Hat, blue,7\n,,EUR\n3,Shoe,9\n"
    (price,) = opened(tmp_path, text).declaration.attributes
    assert price.kind == NUMBER
