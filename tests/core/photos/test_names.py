"""Names as tables spell them find the one file that they mean, or none."""

import unicodedata

import pytest

from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.core.photos.names import (
    AMBIGUOUS,
    MISSING_IMAGE,
    NameIndex,
    photos_in_cell,
    readable,
)

NFD = unicodedata.normalize("NFD", "Größe é.jpg")
LATIN_1 = "caf\udce9.jpg"  # as Python gives the name b"caf\xe9.jpg"
FILES = (
    "P1.JPG",
    "summer/P3.jpg",
    "summer/deep/P4.jpeg",
    "P5.jpg",
    "100% wool.jpg",
    "a+b c.jpg",
    NFD,
    LATIN_1,
    "what?.jpg",
    "same.jpg",
    "SAME.JPG",
    "two.png",
    "two.webp",
    "ß.jpg",
)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        # The faults that were seen, and more of their kind.
        ("P1.jpg", "P1.JPG"),
        ("p1.Jpg", "P1.JPG"),
        ("SUMMER/p3.JPG", "summer/P3.jpg"),
        (r"summer\P3.jpg", "summer/P3.jpg"),
        (r".\summer\deep\P4.jpeg", "summer/deep/P4.jpeg"),
        ("P5.jpg?v=3&w=600", "P5.jpg"),
        ("P5.jpg#main", "P5.jpg"),
        ("file:///shop/photos/P5.jpg", "P5.jpg"),
        ("file://localhost/shop/photos/summer/P3.jpg", "summer/P3.jpg"),
        ("file:P5.jpg", "P5.jpg"),
        (r"C:\Users\me\photos\summer\P3.jpg", "summer/P3.jpg"),
        ("file:///C:/shop/photos/P5.jpg", "P5.jpg"),
        ("/var/www/shop/photos/summer/P3.jpg", "summer/P3.jpg"),
        ("photos/summer/P3.jpg", "summer/P3.jpg"),
        ("shop/photos/P5.jpg", "P5.jpg"),
        ("./summer//P3.jpg", "summer/P3.jpg"),
        ("summer/../P5.jpg", "P5.jpg"),
        ("  P5.jpg ", "P5.jpg"),
        ('"P5.jpg"', "P5.jpg"),
        ("100%25%20wool.jpg", "100% wool.jpg"),
        ("100% wool.jpg", "100% wool.jpg"),
        ("a%2Bb%20c.jpg", "a+b c.jpg"),
        (unicodedata.normalize("NFC", NFD), NFD),
        ("Gr%C3%B6%C3%9Fe%20%C3%A9.jpg", NFD),
        ("GRÖSSE É.JPG", NFD),
        ("café.jpg", LATIN_1),
        ("caf%E9.jpg", LATIN_1),
        (LATIN_1, LATIN_1),
        ("what?.jpg", "what?.jpg"),
        ("same.jpg", "same.jpg"),
        ("SAME.JPG", "SAME.JPG"),
        ("P5", "P5.jpg"),
        ("summer/P3.png", "summer/P3.jpg"),
        ("two", "two.png"),
    ],
)
def test_a_name_finds_the_file_that_it_means(written: str, found: str) -> None:
    assert NameIndex(FILES, "/home/me/shop/photos").find(written) == found


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("Same.jpg", AMBIGUOUS),
        ("P3.jpg", MISSING_IMAGE),  # in a subfolder: another P3 may be meant
        ("winter/P3.jpg", MISSING_IMAGE),
        ("P50.jpg", MISSING_IMAGE),
        ("", MISSING_IMAGE),
        ("?", MISSING_IMAGE),
        ("..", MISSING_IMAGE),
        ("%", MISSING_IMAGE),
        ("nul\0l.jpg", MISSING_IMAGE),
        ("\ud83d.jpg", MISSING_IMAGE),
        ("\udc80\udbff%20.jpg", MISSING_IMAGE),
    ],
)
def test_a_name_that_means_no_file_or_several(written: str, reason: str) -> None:
    with pytest.raises(UnreadablePhoto, match=reason):
        NameIndex(FILES, "/home/me/shop/photos").find(written)


@pytest.mark.parametrize(
    ("item_id", "found"),
    [
        ("1163", ("1163.jpg", "1163-back.JPG", "1163_2.jpg", "1163_10.jpg")),
        ("1164", ("1164/front.png", "1164/1.png", "1164/2.png", "1164/10.png")),
        ("1165", ("women/1165.jpg",)),
        ("ab-1", ("AB-1.jpeg",)),
        ("12", ()),  # 12_3.jpg is the photo of another product
        ("12_3", ("12_3.jpg",)),
        ("7", ("7.jpg",)),  # as the suffixes come
        ("007", ()),
        (" 7 ", ("7.jpg",)),
        ("", ()),
    ],
)
def test_an_id_finds_its_photos_the_front_first(item_id: str, found: tuple) -> None:
    index = NameIndex(
        ["1163_10.jpg", "1163_2.jpg", "1163.jpg", "1163-back.JPG", "11634.jpg"]
        + ["1164/10.png", "1164/2.png", "1164/1.png", "1164/front.png", "1164/notes.txt"]
        + ["women/1165.jpg", "AB-1.jpeg", "12_3.jpg", "7.png", "7.jpg"]
    )
    ids = {"1163", "1164", "1165", "ab-1", "12", "12_3", "7", "007"}
    assert index.photos_of(item_id, ids) == found


def test_an_id_that_names_photos_in_two_folders_is_ambiguous() -> None:
    with pytest.raises(UnreadablePhoto, match=AMBIGUOUS):
        NameIndex(["men/5.jpg", "women/5.jpg"]).photos_of("5")


@pytest.mark.parametrize(
    ("cell", "photos"),
    [
        ("a.jpg", ("a.jpg",)),
        ("  ", ()),
        ("a.jpg|b.jpg", ("a.jpg", "b.jpg")),
        ("a.jpg; b.jpg;", ("a.jpg", "b.jpg")),
        ("a.jpg, b.jpg", ("a.jpg", "b.jpg")),
        ("a.jpg\nb.jpg\n", ("a.jpg", "b.jpg")),
        ("x_back.jpg|x_front.jpg", ("x_front.jpg", "x_back.jpg")),
        ("shirt, red.jpg", ("shirt, red.jpg",)),  # a file of this name is there
        ('["a.jpg", "b.jpg"]', ("a.jpg", "b.jpg")),
        ("['a.jpg', 'b.jpg']", ("a.jpg", "b.jpg")),
        ("[1] shirt.jpg", ("[1] shirt.jpg",)),
        (
            "https://x.com/i,w_60/a.jpg, https://x.com/b.jpg?s=1;2",
            ("https://x.com/i,w_60/a.jpg", "https://x.com/b.jpg?s=1;2"),
        ),
        ("//cdn.x.com/a.jpg //cdn.x.com/b.jpg", ("//cdn.x.com/a.jpg", "//cdn.x.com/b.jpg")),
        ("data:image/png;base64,iVBO", ("data:image/png;base64,iVBO",)),
        (["a.jpg", "b.jpg", "a.jpg"], ("a.jpg", "b.jpg")),
    ],
)
def test_a_cell_holds_one_photo_or_several(cell, photos: tuple[str, ...]) -> None:
    assert photos_in_cell(cell, {"shirt, red.jpg"}.__contains__) == photos


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"cafe\xcc\x81", "café"),
        (b"caf\xe9", "café"),
        (b"\x80uro", "€uro"),
        (b"\x81", "\x81"),
    ],
)
def test_any_name_on_disk_is_readable(raw: bytes, text: str) -> None:
    assert readable(raw.decode("utf-8", "surrogateescape")) == text
