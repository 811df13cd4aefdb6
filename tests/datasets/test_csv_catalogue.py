"""Tables of a user's catalogue."""

import os
import unicodedata
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.core.photos.folder import CORRUPT_ENTRY
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.csv_catalogue import CsvCatalogueOptions, CsvSource
from fitrank_tf.datasets.csv_catalogue.source import ROUNDED_ID
from fitrank_tf.datasets.product_builder import passed_over_photos, usable_photo
from fitrank_tf.datasets.product_source import ProductRow
from fitrank_tf.datasets.splits import ALL
from fitrank_tf.datasets.tables import Blob
from fitrank_tf.datasets.tables.delimited import MORE_CELLS
from tests.datasets.small_catalogues import noise_photo, write_csv, write_files

ROWS = [["sku", "name", "photo", "sex"], ["A-1", "Red Shirt", "a.jpg", "Women"]]
COLUMNS = (("id", "sku"), ("text", "name"), ("image", "photo"), ("gender", "sex"))


def open_csv(table: Path, **options: object) -> CsvSource:
    return CsvSource(CsvCatalogueOptions(str(table), **options))


def write_parquet(path: Path, columns: dict[str, list]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_named_columns_of_a_csv(tmp_path: Path, delimiter: str) -> None:
    table = write_csv(tmp_path / "shop.csv", ROWS, delimiter)
    write_files(tmp_path, {"photos/a.jpg": noise_photo(1)})
    source = open_csv(table, images=str(tmp_path / "photos"), columns=COLUMNS)
    (row,) = source.rows()
    assert row == ProductRow("A-1", "Red Shirt", {"gender": "Women"}, ("a.jpg",), line=2)
    assert source.read_photo(*row.photos) == noise_photo(1)


def test_parquet_cells_become_strings(tmp_path: Path) -> None:
    table = write_parquet(
        tmp_path / "shop.parquet",
        {"id": [7, 8], "text": ["Shirt", None], "year": [2011, None], "price": [9.5, 1.0]},
    )
    write_files(tmp_path, {"7.jpg": noise_photo(7), "8.png": noise_photo(8)})
    assert list(open_csv(table).rows()) == [
        ProductRow("7", "Shirt", {"year": "2011", "price": "9.5"}, ("7.jpg",), line=1),
        ProductRow("8", "", {"year": "", "price": "1"}, ("8.png",), line=2),
    ]


def test_attributes_without_a_column_are_left_out(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "t.csv", [["id", "text", "colour"], ["1", "Shirt", "Red"]])
    (row,) = open_csv(table).rows()
    assert row.attributes == {"colour": "Red"}


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".webp"])
def test_without_an_image_column_the_id_names_the_photo(
    tmp_path: Path, suffix: str
) -> None:
    table = write_csv(tmp_path / "t.csv", [["id", "text"], ["1", "Shirt"], ["2", "Hat"]])
    write_files(tmp_path, {f"photos/1{suffix}": noise_photo()})
    first, second = open_csv(table, images=str(tmp_path / "photos")).rows()
    assert first.photos == (f"1{suffix}",)
    assert second.photos == ()


def test_image_paths_may_be_absolute_or_below_the_folder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "a.jpg"
    write_files(tmp_path, {"elsewhere/a.jpg": b"a", "photos/red/b.jpg": b"b"})
    rows = [["id", "text", "image"], ["1", "A", str(elsewhere)], ["2", "B", "red/b.jpg"]]
    source = open_csv(write_csv(tmp_path / "t.csv", rows), images=str(tmp_path / "photos"))
    assert [source.read_photo(*row.photos) for row in source.rows()] == [b"a", b"b"]


@pytest.mark.parametrize("name", ["gone.jpg", "folder", "nul\0l.jpg"])
def test_photo_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    table = write_csv(tmp_path / "t.csv", [["id", "text", "image"], ["1", "A", name]])
    source = open_csv(table)
    (row,) = source.rows()
    with pytest.raises(UnreadablePhoto):
        source.read_photo(*row.photos)


def test_row_with_more_cells_than_columns_has_a_problem(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("id,text\n1,Shirt, red\n2,Hat,,\n3\n", encoding="utf-8")
    rows = list(open_csv(table).rows())
    assert [row.problem for row in rows] == [MORE_CELLS, "", ""]
    assert [row.text for row in rows[1:]] == ["Hat", ""]


def rows_of(folder: Path, text: str, **options: object) -> list[ProductRow]:
    (folder / "t.csv").write_text(text, encoding="utf-8", newline="")
    return list(open_csv(folder / "t.csv", **options).rows())


def test_spellings_of_a_value_are_one(tmp_path: Path) -> None:
    colours = ["navy blue", "Navy Blue", "NAVY BLUE", "Navy\u00a0Blue", "Navy Blue", "nan"]
    lines = "".join(f"{n},Shirt,{colour}\n" for n, colour in enumerate(colours))
    rows = rows_of(tmp_path, f"id,text,colour\n{lines}")
    assert [row.attributes["colour"] for row in rows] == ["Navy Blue"] * 5 + [""]


def test_ids_years_and_titles_are_cleaned(tmp_path: Path) -> None:
    text = "ID,TEXT,YEAR\n1163.0,Dolce &amp; <b>Gabbana</b>,2012.0\n 1164.0 ,N/A,NaN\n"
    first, second = rows_of(tmp_path, text)
    assert (first.id, first.text) == ("1163", "Dolce & Gabbana")
    assert (second.id, second.text) == ("1164", "")
    assert [row.attributes["year"] for row in (first, second)] == ["2012", ""]


def test_several_values_in_a_cell(tmp_path: Path) -> None:
    text = 'id;text;colour;usage\n1;A;Red|blue|red;"[""Sports"", ""Casual""]"\n2;B;Blue;\n'
    first, second = rows_of(tmp_path, text, separator="|")
    assert first.attributes == {"colour": ("Red", "blue"), "usage": ("Sports", "Casual")}
    assert second.attributes == {"colour": "blue", "usage": ""}
    assert rows_of(tmp_path, text)[0].attributes["colour"] == "Red|blue|red"


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("SKU,Product Name,Image_URL", ()),
        ("Artikelnummer,Bezeichnung,Bild", ()),
        ("name,sku,photo", (("id", "NAME"), ("text", "Sku"))),
    ],
)
def test_usual_names_of_columns_are_found(
    tmp_path: Path, header: str, columns: tuple[tuple[str, str], ...]
) -> None:
    (row,) = rows_of(tmp_path, f"{header}\n1,Shirt,a.jpg\n", columns=columns)
    assert (row.id, row.text, row.photos) == ("1", "Shirt", ("a.jpg",))


def test_a_rounded_id_is_left_out(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "id;text\n4,00638E+12;A\n4.0E+5;B\n1E5;C\n")
    assert [row.problem for row in rows] == [ROUNDED_ID, ROUNDED_ID, ""]


def test_photos_inside_the_table(tmp_path: Path) -> None:
    photo, binary = noise_photo(1), noise_photo(2)
    images = [{"bytes": photo, "path": "a.jpg"}, {"bytes": None, "path": "b.jpg"}, None]
    table = {"id": ["1", "2", "3"], "text": ["A", "B", "C"]}
    first, second, third = open_csv(
        write_parquet(tmp_path / "hf.parquet", table | {"image": images})
    ).rows()
    assert first.photos[0].read() == photo
    assert (second.photos, third.photos) == (("b.jpg",), ())
    (row,) = open_csv(
        write_parquet(tmp_path / "b.parquet", {"id": [1], "text": [""], "image": [binary]})
    ).rows()
    assert row.photos[0].read() == binary


def test_a_damaged_photo_inside_the_table_is_told(tmp_path: Path) -> None:
    def broken() -> bytes:
        raise OSError("damaged")

    rows = [
        ProductRow("1", "A", {}, (Blob("", lambda: noise_photo(1)),)),
        ProductRow("2", "B", {}, (Blob("", broken),), line=7),
    ]
    source = open_csv(write_csv(tmp_path / "t.csv", [["id", "text"], ["1", "A"]]))
    assert usable_photo(source, rows[0]) == noise_photo(1)
    with pytest.raises(UnreadablePhoto, match=CORRUPT_ENTRY):
        usable_photo(source, rows[1])


@pytest.mark.parametrize("column", ["id", "text", "image", "colour"])
def test_named_column_that_is_not_there(tmp_path: Path, column: str) -> None:
    table = write_csv(tmp_path / "t.csv", [["id", "text"], ["1", "Shirt"]])
    with pytest.raises(FitRankError, match=r"t\.csv: no column 'nope'.*it has id, text"):
        open_csv(table, columns=((column, "nope"),))


@pytest.mark.parametrize("header", [["id", "words"], ["number", "text"]])
def test_id_and_text_are_needed(tmp_path: Path, header: list[str]) -> None:
    table = write_csv(tmp_path / "t.csv", [header, ["1", "Shirt"]])
    with pytest.raises(FitRankError, match=rf"no column.*it has {', '.join(header)}"):
        open_csv(table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": ""}, "--table is not given"),
        ({"table": "t.csv", "columns": (("id", "a"), ("id", "b"))}, "'id' is named twice"),
        (
            {"table": "t.csv", "attributes": (("price", ""), ("price", "number"))},
            "--attributes: 'price' is named twice",
        ),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(FitRankError, match=message):
        CsvCatalogueOptions(**options)


def test_table_or_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FitRankError, match=r"gone\.csv: cannot be read \(No such file"):
        open_csv(tmp_path / "gone.csv")
    table = write_csv(tmp_path / "t.csv", [["id", "text"]])
    with pytest.raises(FitRankError, match=r"--images .*gone: there is no such folder"):
        open_csv(table, images=str(tmp_path / "gone"))


@pytest.mark.parametrize("content", [b"PAR1 but not a Parquet file", b"PAR1"])
def test_damaged_parquet_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(
        FitRankError, match=r"t\.parquet: cannot be read as Parquet"
    ) as error:
        open_csv(tmp_path / "t.parquet")
    assert "\n" not in str(error.value)


def test_fingerprint_follows_table_columns_and_photos(tmp_path: Path) -> None:
    def fingerprint(folder: str, title: str, photo: bytes, columns: tuple = ()) -> str:
        write_files(tmp_path / folder, {"1.jpg": photo})
        rows = [["id", "text", "name"], ["1", title, title]]
        return open_csv(
            write_csv(tmp_path / folder / "t.csv", rows), columns=columns
        ).fingerprint()

    first = fingerprint("a", "Shirt", noise_photo(1))
    assert fingerprint("moved", "Shirt", noise_photo(1)) == first
    assert fingerprint("a", "Skirt", noise_photo(1)) != first
    assert fingerprint("a", "Shirt", noise_photo(1, 25)) != first
    assert fingerprint("a", "Shirt", noise_photo(1), (("text", "name"),)) != first
    table = tmp_path / "a" / "t.csv"
    assert open_csv(table).fingerprint() != open_csv(table, separator="|").fingerprint()


def test_photos_are_found_as_people_write_them(tmp_path: Path) -> None:
    """Each fault that was seen in a table: one product each, and none is left out."""
    nfd = unicodedata.normalize("NFD", "größe.jpg")
    on_disk = ["P1.JPG", "summer/P3.jpg", nfd, "P5.jpg", "P6.jpg", "p7.webp", "P8.jpg"]
    write_files(
        tmp_path / "photos", {name: noise_photo(n) for n, name in enumerate(on_disk)}
    )
    latin = os.fsencode(tmp_path / "photos") + b"/caf\xe9.jpg"
    Path(os.fsdecode(latin)).write_bytes(noise_photo(7))
    written = ["p1.jpg", r"summer\P3.jpg", "größe.jpg", "P5.jpg?v=3&w=600"]
    written += [(tmp_path / "photos/P6.jpg").as_uri(), "P7", "photos/P8.jpg", "café.jpg"]
    lines = [
        ["id", "text", "image"],
        *([str(n), "T", name] for n, name in enumerate(written)),
    ]
    table = write_csv(tmp_path / "t.csv", lines)
    source = open_csv(table, images=str(tmp_path / "photos"))
    read = [source.read_photo(*row.photos) for row in source.rows()]
    assert read == [noise_photo(n) for n in range(8)]


def test_the_first_photo_that_can_be_read_is_shown(tmp_path: Path) -> None:
    photos = {"a.jpg": b"damaged", "b.jpg": noise_photo(1), "b2.jpg": noise_photo(2)}
    write_files(tmp_path, photos | {"2.jpg": noise_photo(3), "2_back.jpg": noise_photo(4)})
    lines = [
        ["id", "text", "image"],
        ["1", "Shirt", "a.jpg|gone.jpg|b.jpg|b2.jpg"],
        ["2", "Hat", "2_back.jpg, 2_front.jpg, 2.jpg"],
        ["3", "Bag", "gone.jpg;a.jpg"],
    ]
    table = write_csv(tmp_path / "t.csv", lines)
    catalogue = open_catalogue(
        CatalogueSource("csv_catalogue", table=str(table)), str(tmp_path / "cache")
    )
    kept = {
        item["id"]: item["image"]
        for item in catalogue.encoded_items(ALL).as_numpy_iterator()
    }
    # The front of 2 is not there; of the others the first counts.
    assert kept == {b"1": noise_photo(1), b"2": noise_photo(4)}
    assert catalogue.skipped == {"no image file": 1}
    assert passed_over_photos(catalogue.builder) == {
        "unreadable image": 1,
        "no image file": 2,
    }


def test_photos_are_fetched_for_all_products(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("FITRANK_CACHE", str(tmp_path / "cache"))
    for number in range(40):
        with fsspec.open(f"memory://shop/{number}.jpg", "wb") as file:
            file.write(noise_photo(number))
    lines = [["id", "text", "image"]]
    lines += [[str(n), f"T{n}", f"memory://shop/{n}.jpg"] for n in range(41)]
    table = write_csv(tmp_path / "t.csv", lines)
    catalogue = open_catalogue(CatalogueSource("csv_catalogue", table=str(table)))
    kept = {
        int(item["id"]): item["image"]
        for item in catalogue.encoded_items(ALL).as_numpy_iterator()
    }
    assert kept == {number: noise_photo(number) for number in range(40)}
    assert catalogue.skipped == {"download failed: no such file": 1}
    assert len(list((tmp_path / "cache/photos").rglob("*/*"))) == 40
