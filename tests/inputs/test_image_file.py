"""The graph reads raw photos as Pillow shows them, and plain ones to the bit as before."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from fitrank_tf.inputs.image_file import decode_upright, exif_orientation, is_image_file
from tests.datasets.small_catalogues import encode

RNG = np.random.default_rng(0)
IMAGE = Image.fromarray(RNG.integers(0, 256, (10, 20, 3), np.uint8))
LAYER = Image.fromarray(RNG.integers(0, 256, (9, 7, 4), np.uint8))

_BYTES = tf.TensorSpec([], tf.string)
decode = tf.function(decode_upright, input_signature=[_BYTES])
orientation_of = tf.function(exif_orientation, input_signature=[_BYTES])


def stock(data: bytes) -> np.ndarray:
    return tf.io.decode_image(data, channels=3, expand_animations=False).numpy()


@pytest.mark.parametrize(
    "data",
    [
        encode(IMAGE),
        encode(IMAGE.convert("L")),
        encode(IMAGE, progressive=True),
        encode(IMAGE, "PNG"),
        encode(IMAGE.convert("L"), "PNG"),
        encode(IMAGE.quantize(16), "PNG"),
        encode(IMAGE.convert("1"), "PNG"),
        encode(IMAGE, "BMP"),
        encode(IMAGE, "GIF"),
        encode(IMAGE, "GIF", save_all=True, append_images=[IMAGE.rotate(90)]),
        encode(IMAGE, "WEBP"),
    ],
)
def test_plain_photos_decode_as_by_tensorflow(data: bytes) -> None:
    np.testing.assert_array_equal(decode(data), stock(data))


def jpeg_of(orientation: object, first: bytes = b"", **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "maker of the camera"
    exif[0x0112] = orientation
    exif[0x0131] = "software"
    tiff = exif.tobytes() if not first else exif.tobytes().replace(b"Exif\0\0", first, 1)
    return encode(IMAGE, exif=tiff, **options)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    data = jpeg_of(orientation)
    upright = Image.fromarray(stock(data))
    upright.getexif()[0x0112] = orientation
    np.testing.assert_array_equal(
        decode(data), np.asarray(ImageOps.exif_transpose(upright))
    )


def tiff_of(
    order: str, kind: int, value: int, entries: int = 1, tag: int = 0x0112
) -> bytes:
    """An EXIF block by hand, in either byte order, the value a SHORT (3) or a LONG (4)."""
    head = (b"II" if order == "little" else b"MM") + (42).to_bytes(2, order)
    entry = b"".join(number.to_bytes(2, order) for number in (tag, kind))
    entry += (1).to_bytes(4, order)
    entry += value.to_bytes(2 if kind == 3 else 4, order).ljust(4, b"\0")
    return b"Exif\0\0" + head + (8).to_bytes(4, order) + entries.to_bytes(2, order) + entry


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("kind", [3, 4])
def test_both_byte_orders_are_read(order: str, kind: int) -> None:
    for value in (6, 3, 8):
        data = encode(IMAGE, exif=tiff_of(order, kind, value))
        assert orientation_of(data) == value


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0II",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        tiff_of("little", 3, 6)[:-6],
        tiff_of("big", 3, 9),
        tiff_of("big", 3, 0),
        tiff_of("big", 3, 6, tag=0x0113),
        tiff_of("big", 3, 1, entries=65535),
    ],
)
def test_damaged_exif_is_upright(exif: bytes) -> None:
    data = encode(IMAGE, exif=exif)
    assert orientation_of(data) == 1
    np.testing.assert_array_equal(decode(data), stock(data))


def test_exif_in_the_text_of_a_photo_is_none() -> None:
    data = encode(IMAGE, comment=b"  " + tiff_of("little", 3, 6))
    assert orientation_of(data) == 1


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8Exif\0\0II", b"Exif\0\0"]
)
def test_bytes_that_are_no_photo_have_no_orientation(data: bytes) -> None:
    assert orientation_of(data) == 1


def palette_png(**options: object) -> bytes:
    return encode(LAYER.convert("RGB").quantize(20), "PNG", **options)


@pytest.mark.parametrize(
    "data",
    [
        encode(LAYER, "PNG"),
        encode(LAYER.convert("LA"), "PNG"),
        encode(LAYER, "WEBP", lossless=True, exact=True),
        palette_png(transparency=3),
        palette_png(transparency=bytes(range(0, 200, 10))),
        encode(
            LAYER.convert("RGB"), "PNG", transparency=LAYER.convert("RGB").getpixel((0, 0))
        ),
    ],
    ids=["rgba", "grey alpha", "webp", "palette", "palette of alphas", "colour key"],
)
def test_transparent_photos_are_blended_with_white(data: bytes) -> None:
    layer = Image.open(io.BytesIO(data)).convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    expected = np.asarray(Image.alpha_composite(white, layer).convert("RGB"))
    assert (expected != np.asarray(layer)[..., :3]).any()
    np.testing.assert_array_equal(decode(data), expected)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        *((encode(IMAGE, kind), True) for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP")),
        *((encode(IMAGE, kind), False) for kind in ("TIFF", "AVIF", "JPEG2000", "PPM")),
        (b"", False),
        (b"<html>", False),
        (b"\0\0\0\x18ftypheic", False),
    ],
)
def test_formats_are_told_by_their_first_bytes(data: bytes, expected: bool) -> None:
    assert bool(is_image_file(tf.constant([data]))[0]) is expected
