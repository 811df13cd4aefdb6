"""Damaged photos and random bytes: a photo or a reason, and every photo is counted."""

import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fitrank_tf.core.photos.clean import UnreadablePhoto, clean_photo
from fitrank_tf.core.photos.names import NameIndex, photos_in_cell
from fitrank_tf.datasets.catalogue import CatalogueSource, open_catalogue
from fitrank_tf.datasets.splits import ALL
from tests.core.photos.icc_profiles import ADOBE, rgb_profile
from tests.datasets.small_catalogues import encode, write_files

QUICK = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    max_examples=300,
)
NOISE = np.random.default_rng(0).integers(0, 256, (24, 20, 4), np.uint8)


def _whole() -> list[bytes]:
    """Photos of each format, with metadata that may be damaged too."""
    layer = Image.fromarray(NOISE)
    image, exif = layer.convert("RGB"), Image.Exif()
    exif[0x0112] = 6
    extras = {"exif": exif, "icc_profile": rgb_profile(ADOBE)}
    kinds = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
    return [
        *(encode(image, kind, **extras) for kind in kinds),
        *(encode(layer, kind) for kind in ("PNG", "WEBP", "TIFF")),
        *(encode(image, kind) for kind in ("JPEG", "GIF", "BMP", "JPEG2000", "TGA", "ICO")),
        encode(image.convert("CMYK"), "JPEG"),
        encode(image.quantize(7), "PNG", transparency=2),
    ]


WHOLE = _whole()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A photo with bytes flipped, cut out, doubled or cut off."""
    data = bytearray(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(data) - 1))
        match draw(st.integers(0, 3)):
            case 0 | 1:
                data[place] ^= draw(st.integers(1, 255))
            case 2:
                del data[place : place + draw(st.integers(1, 40))]
            case 3:
                data[place:place] = data[place : place + draw(st.integers(1, 40))]
        if not data:
            break
    return bytes(data)


def check(data: bytes) -> None:
    """A clean photo decodes in TensorFlow and is clean; any other has a reason."""
    try:
        cleaned = clean_photo(data)
    except UnreadablePhoto as reason:
        assert str(reason)
        return
    pixels = tf.io.decode_image(cleaned, channels=3, expand_animations=False)
    assert pixels.shape[2] == 3 and max(pixels.shape) <= 512
    assert clean_photo(cleaned) == cleaned


@QUICK
@given(damaged())
def test_damaged_photos_are_read_or_have_a_reason(data: bytes) -> None:
    check(data)


@QUICK
@given(st.binary(max_size=300), st.sampled_from([b"", *(photo[:40] for photo in WHOLE)]))
def test_random_bytes_are_read_or_have_a_reason(data: bytes, start: bytes) -> None:
    check(start + data)


@QUICK
@given(st.text(), st.lists(st.text(max_size=12), max_size=6))
def test_any_name_finds_a_file_or_has_a_reason(name: str, files: list[str]) -> None:
    index = NameIndex(files, "/shop/photos")
    try:
        assert index.find(name) in files
    except UnreadablePhoto as reason:
        assert str(reason) and name not in files
    assert photos_in_cell(name, files.__contains__) is not None


def test_of_damaged_photos_every_one_is_counted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = {"whole.jpg": WHOLE[0]}
    for number in range(60):
        data = bytearray(WHOLE[number % len(WHOLE)])
        for place in rng.integers(0, len(data), number % 7):
            data[place] ^= 1 + int(rng.integers(255))
        files[f"{number}.jpg"] = bytes(data[: len(data) - number % 5 * 40])
    write_files(tmp_path / "photos", files)
    source = CatalogueSource("photo_folder", images=str(tmp_path / "photos"))
    catalogue = open_catalogue(source, str(tmp_path / "cache"))
    assert sum(catalogue.skipped.values()) > 0
    assert catalogue.num_items(ALL) + sum(catalogue.skipped.values()) == len(files)


def test_real_photos_with_flipped_bytes(shared_data: Path) -> None:
    with zipfile.ZipFile(shared_data / "fashion-product-images-dataset.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")][::400]
        photos = [archive.read(name) for name in names]
    rng, kept = np.random.default_rng(0), 0
    for photo in photos * 5:
        data = bytearray(photo)
        for place in rng.integers(0, len(data), rng.integers(0, 4)):
            data[place] ^= 1 + int(rng.integers(255))
        check(bytes(data))
        kept += bytes(data) == photo
    assert kept
