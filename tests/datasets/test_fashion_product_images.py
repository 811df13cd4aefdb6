"""Kaggle's archive in all of its layouts."""

import logging
import zipfile
from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.datasets.fashion_product_images import open_archive
from fitrank_tf.datasets.fashion_product_images.styles_csv import open_styles, read_styles
from tests.datasets.small_catalogues import (
    STYLES_HEADER,
    fashion_files,
    noise_photo,
    styles_row,
    write_files,
    write_zip,
)

PREFIXES = ("", "fashion-dataset/", "myntradataset/", "fashion-dataset/fashion-dataset/")


def files_of(*titles: str, prefix: str = "") -> dict[str, bytes]:
    """A set of products 1, 2, ... with these titles."""
    lines = [styles_row(str(n), title) for n, title in enumerate(titles, 1)]
    photos = {str(n): noise_photo(n) for n in range(1, len(titles) + 1)}
    return fashion_files(lines, photos, prefix)


def titles_in(manual_dir: Path) -> list[str]:
    return [row.text for row in open_archive(str(manual_dir)).rows()]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_unpacked_layouts(tmp_path: Path, prefix: str) -> None:
    write_files(tmp_path, files_of("Red Shirt", "Blue Jeans", prefix=prefix))
    archive = open_archive(str(tmp_path))
    rows = list(archive.rows())
    assert [(row.id, row.text) for row in rows] == [("1", "Red Shirt"), ("2", "Blue Jeans")]
    assert archive.read_photo(*rows[1].photos) == noise_photo(2)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    "name", ["fashion-product-images-dataset.zip", "archive.zip", "mine.zip"]
)
def test_zipped_layouts(tmp_path: Path, prefix: str, name: str) -> None:
    write_zip(tmp_path / name, files_of("Red Shirt", "Blue Jeans", prefix=prefix))
    for manual_dir in (tmp_path, tmp_path / name):
        archive = open_archive(str(manual_dir))
        rows = list(archive.rows())
        assert [row.text for row in rows] == ["Red Shirt", "Blue Jeans"]
        assert archive.read_photo(*rows[1].photos) == noise_photo(2)


def test_attributes_come_from_the_columns_of_the_set(tmp_path: Path) -> None:
    write_files(tmp_path, files_of("Red Shirt"))
    (row,) = open_archive(str(tmp_path)).rows()
    assert row.attributes == {
        "gender": "Men",
        "category": "Apparel",
        "subcategory": "Topwear",
        "article_type": "Tshirts",
        "colour": "Blue",
        "season": "Summer",
        "year": "2011",
        "usage": "Casual",
    }


def test_unpacked_is_preferred_to_zipped_and_the_choice_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_files(tmp_path, files_of("Unpacked", prefix="fashion-dataset/"))
    write_zip(tmp_path / "archive.zip", files_of("Zipped"))
    with caplog.at_level(logging.INFO):
        assert titles_in(tmp_path) == ["Unpacked"]
    (message,) = caplog.messages
    assert "using" in message
    assert str(tmp_path / "archive.zip") in message.split("also there")[1]


def test_the_nearest_table_with_images_beside_it_is_used(tmp_path: Path) -> None:
    write_files(tmp_path, files_of("Deep", prefix="a/b/"))
    write_files(tmp_path, files_of("Near", prefix="z/"))
    write_files(tmp_path, {"styles.csv": b"no images beside this one"})
    assert titles_in(tmp_path) == ["Near"]
    for path in tmp_path.iterdir():
        path.rename(path.with_name(f".{path.name}"))  # hidden: not looked into
    with pytest.raises(FitRankError, match=r"no styles.csv with a folder images"):
        open_archive(str(tmp_path))


def test_zip_by_its_name_first_and_other_zips_passed_over(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", {"images/1.jpg": noise_photo()})
    write_zip(tmp_path / "archive.zip", files_of("Download Name"))
    write_zip(tmp_path / "b.zip", files_of("Some Other"))
    write_zip(tmp_path / "fashion-product-images-dataset.zip", files_of("By Name"))
    assert titles_in(tmp_path) == ["By Name"]
    (tmp_path / "fashion-product-images-dataset.zip").unlink()
    assert titles_in(tmp_path) == ["Download Name"]
    (tmp_path / "archive.zip").unlink()
    assert titles_in(tmp_path) == ["Some Other"]


def test_macos_copies_in_a_zip_are_not_the_set(tmp_path: Path) -> None:
    files = files_of("Real", prefix="deep/fashion-dataset/")
    write_zip(tmp_path / "archive.zip", files_of("Shadow", prefix="__MACOSX/") | files)
    assert titles_in(tmp_path) == ["Real"]


def test_ids_find_their_photo_exactly(tmp_path: Path) -> None:
    lines = [styles_row(each, "T") for each in ("007", "7", "8")]
    photos = {"007": noise_photo(1), "7": noise_photo(2)}
    write_files(tmp_path, fashion_files(lines, photos))
    archive = open_archive(str(tmp_path))
    assert [(row.id, *row.photos) for row in archive.rows()] == [
        ("007", "007.jpg"),
        ("7", "7.jpg"),
        ("8",),
    ]


def test_damaged_member_of_a_zip_is_an_unreadable_photo(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "archive.zip", files_of("Red Shirt", "Blue Jeans"))
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("images/1.jpg").header_offset
    data = bytearray(path.read_bytes())
    data[offset + 60 : offset + 80] = bytes(20)
    path.write_bytes(data)
    source = open_archive(str(path))
    with pytest.raises(UnreadablePhoto, match="cannot be read"):
        source.read_photo("1.jpg")
    assert source.read_photo("2.jpg") == noise_photo(2)


@pytest.mark.parametrize("zipped", [True, False])
def test_fingerprint_follows_table_and_photos(tmp_path: Path, zipped: bool) -> None:
    def fingerprint(name: str, files: dict[str, bytes]) -> str:
        write = write_zip if zipped else write_files
        return open_archive(str(write(tmp_path / name, files))).fingerprint()

    files = files_of("Red Shirt", "Blue Jeans")
    first = fingerprint("first", files)
    assert fingerprint("copy", files) == first
    assert fingerprint("title", files_of("Red Shirt", "Blue Jean")) != first
    assert fingerprint("photo", files | {"images/2.jpg": noise_photo(2, 25)}) != first
    assert fingerprint("fewer", files_of("Red Shirt")) != first
    assert fingerprint("renamed", _renamed(files, "images/2.jpg", "images/3.jpg")) != first


def _renamed(files: dict[str, bytes], old: str, new: str) -> dict[str, bytes]:
    return {new if name == old else name: data for name, data in files.items()}


@pytest.mark.parametrize(
    ("line", "title"),
    [
        (styles_row("1", "Shirt, Red, Slim"), "Shirt, Red, Slim"),
        (styles_row("1", '"Shirt, Red"'), "Shirt, Red"),
        (styles_row("1", 'Shirt 15" Collar'), 'Shirt 15" Collar'),
        (styles_row("1", "Shirt") + ",,", "Shirt"),
        (styles_row("1", "NA"), ""),
        (styles_row("1", ""), ""),
        ("1,Men", ""),
    ],
)
def test_titles_with_commas_are_kept_whole(line: str, title: str) -> None:
    data = f"{STYLES_HEADER}\n{line}\n".encode()
    (product,) = read_styles(open_styles(data, "styles.csv"))
    assert (product["id"], product["productDisplayName"]) == ("1", title)
    assert product["gender"] == "Men"


def test_title_column_need_not_be_the_last() -> None:
    data = b"productDisplayName,id,usage\nShirt, Red,1,NaN\n"
    (product,) = read_styles(open_styles(data, "styles.csv"))
    assert product == {"productDisplayName": "Shirt, Red", "id": "1", "usage": ""}


@pytest.mark.parametrize("column", ["id", "productDisplayName"])
@pytest.mark.parametrize("zipped", [True, False])
def test_missing_column_is_named_with_the_file(
    tmp_path: Path, column: str, zipped: bool
) -> None:
    files = files_of("Red Shirt")
    files["styles.csv"] = files["styles.csv"].replace(column.encode(), b"other", 1)
    path = write_zip(tmp_path / "a.zip", files) if zipped else write_files(tmp_path, files)
    with pytest.raises(FitRankError, match=rf"styles\.csv: no column '{column}'"):
        open_archive(str(path))


@pytest.mark.parametrize("content", [b"", b"this is no zip", b"PK\x03\x04 cut off"])
def test_not_a_zip_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "archive.zip"
    path.write_bytes(content)
    for manual_dir in (path, tmp_path):
        with pytest.raises(FitRankError, match=r"archive\.zip: cannot be read as a zip"):
            open_archive(str(manual_dir))


def test_truncated_zip_is_named(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "archive.zip", files_of("Red Shirt", "Blue Jeans"))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(FitRankError, match=r"archive\.zip: cannot be read as a zip"):
        open_archive(str(tmp_path))


def test_zip_of_something_else_is_named(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "other.zip", {"other.csv": b"a,b\n"})
    with pytest.raises(FitRankError, match=r"other\.zip: no styles\.csv"):
        open_archive(str(path))


@pytest.mark.parametrize(
    ("manual_dir", "message"),
    [
        ("", "--manual_dir is not given"),
        ("/no/such/folder", "/no/such/folder: there is no"),
    ],
)
def test_manual_dir_that_is_not_there(manual_dir: str, message: str) -> None:
    with pytest.raises(FitRankError, match=message):
        open_archive(manual_dir)
