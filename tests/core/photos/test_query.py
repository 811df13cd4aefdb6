"""Query photos become the bytes that a catalogue would keep; a bad one is named."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.clean import clean_photo
from fitrank_tf.core.photos.query import clean_queries
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import ALL
from tests.core.photos.icc_profiles import ADOBE, rgb_profile
from tests.datasets.small_catalogues import encode, noise_photo, write_files

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)
IMAGE = Image.fromarray(PIXELS)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def transparent() -> Image.Image:
    image = IMAGE.convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


PHOTOS = {
    "plain.jpg": encode(IMAGE),
    "large.jpg": encode(IMAGE.resize((900, 700))),
    "turned3.jpg": encode(IMAGE, exif=turned(3)),
    "turned6.jpg": encode(IMAGE, exif=turned(6)),
    "turned8.png": encode(IMAGE, "PNG", exif=turned(8)),
    "transparent.png": encode(transparent(), "PNG"),
    "transparent.webp": encode(transparent(), "WEBP"),
    "adobe.jpg": encode(IMAGE, icc_profile=rgb_profile(ADOBE)),
    "cmyk.jpg": encode(IMAGE.convert("CMYK")),
    "photo.tiff": encode(IMAGE, "TIFF"),
    "photo.avif": encode(IMAGE, "AVIF"),
    "photo.gif": encode(IMAGE, "GIF"),
}


def test_queries_have_the_pixels_of_the_catalogue(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "photos", PHOTOS) or tmp_path / "photos"
    lines = ["id,text,image", *(f"{name},T,{name}" for name in PHOTOS)]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    source = CatalogueSource(
        "csv_catalogue", table=str(tmp_path / "t.csv"), images=str(folder)
    )
    items = open_catalogue(source, str(tmp_path / "cache")).encoded_items(ALL)
    kept = {item["id"].decode(): item["image"] for item in items.as_numpy_iterator()}
    assert set(kept) == set(PHOTOS)
    names = sorted(PHOTOS)
    asked_by_path = clean_queries([folder / name for name in names])
    asked_by_bytes = clean_queries([PHOTOS[name] for name in names])
    for name, by_path, by_bytes in zip(names, asked_by_path, asked_by_bytes):
        catalogue = tf.io.decode_image(kept[name], channels=3)
        for asked in (by_path, by_bytes):
            np.testing.assert_array_equal(tf.io.decode_image(asked, channels=3), catalogue)


def test_pixels_are_asked_as_they_are() -> None:
    (photo,) = clean_queries([PIXELS])
    np.testing.assert_array_equal(tf.io.decode_image(photo, channels=3), PIXELS)


def test_paths_are_found_as_people_write_them(tmp_path: Path, monkeypatch) -> None:
    write_files(tmp_path, {"summer/P 3.JPG": PHOTOS["plain.jpg"]})
    monkeypatch.chdir(tmp_path)
    paths = ["summer/P 3.JPG", r"summer\p 3.jpg", (tmp_path / "summer/P 3.JPG").as_uri()]
    assert clean_queries(paths) == [clean_photo(PHOTOS["plain.jpg"])] * 3


@pytest.mark.parametrize(
    ("photos", "message"),
    [
        ([noise_photo(), b"", noise_photo()], "photo 2 of 3: empty image file; give"),
        ([noise_photo(), noise_photo(), b"junk"], "photo 3 of 3: unreadable image"),
        ([noise_photo(1, 90, 90)[:900]], "photo: truncated image"),
        (["no/such.jpg"], "photo no/such.jpg: no image file; give"),
        ([noise_photo(), "gone.jpg"], "photo 2 of 2, gone.jpg: no image file"),
        ([np.zeros((4, 4), np.uint8)], r"photo: is uint8 \[4, 4\], not RGB pixels"),
        ([np.zeros((4, 4, 3))], r"photo: is float64 \[4, 4, 3\], not RGB pixels"),
        ([np.zeros((0, 4, 3), np.uint8)], r"photo: is uint8 \[0, 4, 3\]"),
        ("photo.jpg", "give a list of photos"),
        (noise_photo(), "give a list of photos"),
    ],
)
def test_the_bad_photo_of_several_is_named(photos: object, message: str) -> None:
    with pytest.raises(FitRankError, match=message) as error:
        clean_queries(photos)
    assert "\n" not in str(error.value)
