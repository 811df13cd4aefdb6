"""Accepted photos decode in TensorFlow; all others have a reason."""

import io
import struct
import sys
import zlib

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageCms, JpegImagePlugin

from fitrank_tf.core.photos import clean
from fitrank_tf.core.photos.clean import (
    UnreadablePhoto,
    clean_photo,
    is_photo,
    photo_orientation,
    photo_size,
    upright_box,
)
from tests.core.photos.icc_profiles import ADOBE, SRGB, grey_profile, rgb_profile, to_srgb
from tests.datasets.small_catalogues import encode, noise_photo

TEAL = (30, 120, 130)
# How far JPEG may move a colour that fills the whole photo.
TOLERANCE = 4


def decode(data: bytes) -> np.ndarray:
    """Decodes as the prepared dataset is read: by TensorFlow, to three channels."""
    return tf.io.decode_image(data, channels=3, expand_animations=False).numpy()


def solid(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.new("RGB", size, TEAL).convert(mode)


@pytest.mark.parametrize(
    "photo",
    [
        encode(solid()),
        encode(solid("L")),
        encode(solid(), progressive=True),
        encode(solid(), "PNG"),
        encode(solid("L"), "PNG"),
    ],
    ids=["jpeg", "grey jpeg", "progressive jpeg", "png", "grey png"],
)
def test_plain_photos_keep_their_bytes(photo: bytes) -> None:
    assert clean_photo(photo) is photo


@pytest.mark.parametrize(
    "photo",
    [
        encode(solid("CMYK")),
        encode(solid().quantize(4), "PNG"),
        encode(solid("RGBA"), "PNG"),
        encode(solid().quantize(4), "GIF"),
        encode(solid(), "WEBP", lossless=True),
        encode(solid(), "BMP"),
        encode(solid(), "TIFF"),
        encode(solid(), "PNG", save_all=True, append_images=[Image.new("RGB", (40, 30))]),
        encode(solid(), "GIF", save_all=True, append_images=[Image.new("RGB", (40, 30))]),
        encode(solid(), exif=Image.Exif()) + b"bytes after the end",
        cv2.imencode(".png", np.full((30, 40, 3), TEAL[::-1], np.uint16) * 257)[
            1
        ].tobytes(),
    ],
    ids=[
        "cmyk jpeg",
        "palette png",
        "opaque alpha png",
        "palette gif",
        "webp",
        "bmp",
        "tiff",
        "animated png",
        "animated gif",
        "jpeg with a tail",
        "16-bit png",
    ],
)
def test_other_photos_become_a_jpeg_of_the_same_colour(photo: bytes) -> None:
    read = clean_photo(photo)
    assert read.startswith(b"\xff\xd8\xff")
    pixels = decode(read)
    assert pixels.shape == (30, 40, 3)
    assert np.abs(pixels.astype(int) - TEAL).max() <= TOLERANCE


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparent_pixels_become_white(mode: str) -> None:
    image = Image.new("RGBA", (40, 30), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 20, 30))
    file_format = "TIFF" if mode == "PA" else "PNG"
    pixels = decode(clean_photo(encode(image.convert(mode), file_format)))
    assert pixels[:, :18].min() >= 255 - TOLERANCE
    assert pixels[:, 22:].max() <= TOLERANCE


def test_half_transparent_is_half_way_to_white() -> None:
    pixels = decode(
        clean_photo(encode(Image.new("RGBA", (16, 16), (255, 0, 0, 128)), "PNG"))
    )
    # 0 * 128/255 + 255 * 127/255 = 127
    assert np.abs(pixels[8, 8].astype(int) - (255, 127, 127)).max() <= TOLERANCE


def test_transparent_colour_of_a_palette_becomes_white() -> None:
    image = Image.new("P", (16, 16), 0)
    image.putpalette([0, 0, 0, 10, 200, 10])
    photo = encode(image, "PNG", transparency=0)
    assert decode(clean_photo(photo)).min() >= 255 - TOLERANCE


def test_16_bit_grey_is_scaled_not_clipped() -> None:
    levels = np.repeat(np.array([[0, 0x4000, 0x8000, 0xFFFF]], np.uint16), 16, axis=1)
    photo = cv2.imencode(".png", np.repeat(levels, 16, axis=0))[1].tobytes()
    seen = decode(clean_photo(photo))[8, 8::16, 0].astype(int)
    assert np.abs(seen - [0, 0x40, 0x80, 0xFF]).max() <= TOLERANCE


def test_exif_orientation_is_applied() -> None:
    image = Image.new("RGB", (40, 20), "white")
    image.paste((0, 0, 0), (0, 0, 20, 20))  # the left half is black
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise: left becomes top
    pixels = decode(clean_photo(encode(image, exif=exif)))
    assert pixels.shape == (40, 20, 3)
    assert pixels[:16].max() <= 20
    assert pixels[24:].min() >= 235


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1080, 1440), (384, 512)), ((1440, 1080), (512, 384)), ((513, 100), (512, 100))],
)
def test_large_photos_are_shrunk_with_their_aspect_ratio(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    height, width, _ = decode(clean_photo(encode(solid(size=size)))).shape
    assert (width, height) == expected


def test_max_side_is_the_longest_side_allowed() -> None:
    photo = noise_photo(width=24, height=32)
    assert clean_photo(photo, max_side=32) is photo
    assert decode(clean_photo(photo, max_side=16)).shape == (16, 12, 3)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_truncated_photos_are_refused(file_format: str, share: float) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 150, 3), np.uint8)
    photo = encode(Image.fromarray(pixels), file_format)
    with pytest.raises(UnreadablePhoto, match="truncated image"):
        clean_photo(photo[: int(len(photo) * share)])


def test_jpeg_without_its_end_marker_never_reaches_tensorflow_as_it_is() -> None:
    """Pillow reads some of these, TensorFlow none."""
    outcomes = set()
    for seed in range(20):
        photo = noise_photo(seed)[:-2]
        try:
            outcomes.add(decode(clean_photo(photo)).shape)
        except UnreadablePhoto:
            outcomes.add("refused")
    assert outcomes <= {(32, 24, 3), "refused"}


@pytest.mark.parametrize("cut", range(1, 17))
def test_png_without_its_end_is_encoded_anew(cut: int) -> None:
    """Of the last 16 bytes none is of a pixel; Pillow does without, TensorFlow does not."""
    photo = encode(Image.new("RGB", (24, 32), (200, 30, 40)), "PNG")[:-cut]
    np.testing.assert_allclose(decode(clean_photo(photo))[0, 0], (200, 30, 40), atol=2)


@pytest.mark.parametrize("photo", [b"", b"<html>not found</html>", b"\xff\xd8\xff\xe0junk"])
def test_files_other_than_photos_are_refused(photo: bytes) -> None:
    with pytest.raises(UnreadablePhoto):
        clean_photo(photo)


def test_float_tiff_is_refused() -> None:
    with pytest.raises(UnreadablePhoto, match="unreadable image"):
        clean_photo(encode(Image.new("F", (8, 8), 0.5), "TIFF"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [10_000, 30_000])
def test_decompression_bombs_are_refused_before_they_are_decoded(side: int) -> None:
    with pytest.raises(UnreadablePhoto, match="too many pixels"):
        clean_photo(_png_that_claims(side, side))


def _png_that_claims(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + name
        + data
        + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def test_damaged_bytes_either_decode_in_tensorflow_or_are_refused() -> None:
    rng = np.random.default_rng(0)
    photo = np.frombuffer(encode(solid(size=(64, 64)), quality=60), np.uint8)
    refused = 0
    for _ in range(200):
        damaged = photo.copy()
        damaged[rng.integers(2, len(photo), 8)] = rng.integers(0, 256, 8)
        try:
            assert decode(clean_photo(damaged.tobytes())).ndim == 3
        except UnreadablePhoto:
            refused += 1
    assert 0 < refused < 200


COLOURS = np.array(
    [(30, 120, 130), (200, 60, 60), (90, 200, 80), (250, 250, 250), (128, 128, 128)]
)


def swatches(colours: np.ndarray = COLOURS) -> Image.Image:
    return Image.fromarray(
        np.repeat(colours, 16, 0)[:, None].repeat(16, 1).astype(np.uint8)
    )


def read_swatches(photo: bytes) -> np.ndarray:
    return decode(photo)[8::16, 8].astype(float)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_adobe_rgb_becomes_srgb(file_format: str) -> None:
    profile = rgb_profile(ADOBE)
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98, "subsampling": 0}}
    options = lossless.get(file_format, {})
    photo = encode(swatches(), file_format, icc_profile=profile, **options)
    expected = to_srgb(COLOURS, ADOBE)
    assert np.abs(expected - COLOURS).max() > 40  # what ignoring the profile would cost
    assert np.abs(read_swatches(clean_photo(photo)) - expected).max() <= TOLERANCE


def test_a_transparent_photo_is_converted_and_then_blended() -> None:
    image = swatches().convert("RGBA")
    image.putalpha(128)
    photo = encode(image, "PNG", icc_profile=rgb_profile(ADOBE))
    expected = (to_srgb(COLOURS, ADOBE) * 128 + 255 * 127) / 255
    assert np.abs(read_swatches(clean_photo(photo)) - expected).max() <= TOLERANCE


def test_a_grey_profile_is_applied() -> None:
    photo = encode(solid("L"), icc_profile=grey_profile(1.0))
    level = solid("L").getpixel((0, 0)) / 255
    expected = 255 * (1.055 * level ** (1 / 2.4) - 0.055)
    assert np.abs(decode(clean_photo(photo)) - expected).max() <= TOLERANCE


SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    "profile",
    [SRGB_PROFILE, b"no profile", rgb_profile(ADOBE)[:200], grey_profile(1.0)],
    ids=["sRGB", "junk", "cut", "of grey"],
)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG"])
def test_a_profile_that_changes_nothing_keeps_the_bytes(
    profile: bytes, file_format
) -> None:
    photo = encode(solid(), file_format, icc_profile=profile)
    assert clean_photo(photo) is photo


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_orientation_in_every_format(orientation: int, file_format: str) -> None:
    corners = np.array([(250, 20, 20), (20, 230, 20), (20, 20, 250), (240, 240, 20)])
    pixels = corners.reshape(2, 2, 3).repeat(16, 0).repeat(24, 1).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if file_format in ("JPEG", "WEBP", "AVIF") else {}
    photo = encode(Image.fromarray(pixels), file_format, exif=exif, **options)
    # EXIF 2.32, 4.6.4: which side the first row and the first column of pixels are.
    turned = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: pixels[::-1].transpose(1, 0, 2),
        7: pixels[::-1, ::-1].transpose(1, 0, 2),
        8: pixels[:, ::-1].transpose(1, 0, 2),
    }[orientation]
    seen = decode(clean_photo(photo))
    assert seen.shape == turned.shape
    inside = np.abs(seen.astype(int) - turned)[4::8, 4::8]
    assert inside.max() <= 25


def test_damaged_exif_does_not_cost_the_photo() -> None:
    photo = encode(solid(), exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert np.abs(decode(clean_photo(photo)).astype(int) - TEAL).max() <= TOLERANCE


def test_heic_is_read_with_its_extra() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    photo = io.BytesIO()
    pillow_heif.from_pillow(solid(size=(64, 64))).save(photo, quality=95)
    pixels = decode(clean_photo(photo.getvalue()))
    assert pixels.shape == (64, 64, 3)
    assert np.abs(pixels[8:-8, 8:-8].astype(int) - TEAL).max() <= TOLERANCE


def test_heic_without_its_extra_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(clean, "_register_heic", clean._register_heic.__wrapped__)
    with pytest.raises(UnreadablePhoto, match=r'pip install "fitrank-tf\[heic\]"'):
        clean_photo(b"\0\0\0\x18ftypheic" + bytes(100))


def _turned(orientation: int, image: Image.Image, file_format: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(image, file_format, exif=exif)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_is_turned_as_its_photo_is(orientation: int) -> None:
    image = Image.new("RGB", (80, 40), "white")
    image.paste((0, 0, 0), (8, 16, 24, 40))
    dark = decode(clean_photo(_turned(orientation, image)))[..., 0] < 128
    (ys, xs), (height, width) = np.nonzero(dark), dark.shape
    seen = ys[0] / height, xs.min() / width, (ys[-1] + 1) / height, (xs.max() + 1) / width
    box = upright_box((16 / 40, 8 / 80, 40 / 40, 24 / 80), orientation)
    assert box == pytest.approx(seen)


@pytest.mark.parametrize(
    ("given", "orientation"), [*((n, n) for n in range(1, 9)), (0, 1), (9, 1), (77, 1)]
)
def test_orientations_are_from_1_to_8(given: int, orientation: int) -> None:
    photo = _turned(given, solid())
    assert photo_orientation(photo) == orientation
    assert (clean_photo(photo) is photo) == (orientation == 1)
    assert photo_orientation(encode(solid())) == 1


def test_the_size_is_that_of_the_stored_photo() -> None:
    for size in ((40, 30), (1200, 700)):
        photo = _turned(6, solid(size=size))
        assert photo_size(photo) == photo_size(photo[:-5]) == size


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encode(solid()), True),
        (encode(solid())[:-5], True),
        (encode(solid(), "GIF"), True),
        (b"\0\0\0\x18ftypheic" + bytes(100), True),
        (_png_that_claims(10_000, 10_000), True),
        (_png_that_claims(30_000, 30_000), True),
        (b"", False),
        (b"id,text\n1,Hat\n", False),
        (b"\0\0\0\x18ftypmp42" + bytes(100), False),
        (b"\0\0\0\x18Ftypheic" + bytes(100), False),
    ],
    ids=["jpeg", "cut", "gif", "heic", "large", "larger", "none", "csv", "mp4", "junk"],
)
def test_photos_are_told_by_their_first_bytes(
    data: bytes, expected: bool, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(clean, "_register_heic", clean._register_heic.__wrapped__)
    assert is_photo(data) is expected


def test_photos_are_encoded_at_quality_90_with_all_of_their_colour() -> None:
    made = Image.open(io.BytesIO(clean_photo(encode(solid(), "BMP"))))
    same = Image.open(io.BytesIO(encode(solid(), quality=90, subsampling=0)))
    assert made.quantization == same.quantization
    assert JpegImagePlugin.get_sampling(made) == 0


def test_nothing_is_left_of_what_is_wholly_transparent() -> None:
    photo = encode(Image.new("RGBA", (16, 16), (9, 9, 9, 0)), "PNG")
    assert decode(clean_photo(photo)).min() == 255


def test_levels_beyond_16_bits_are_clipped() -> None:
    levels = np.array([[-300, 0, 0x8000, 0xFFFF, 70_000]], np.int32)
    image = Image.fromarray(levels.repeat(16, 0).repeat(16, 1))
    seen = decode(clean_photo(encode(image, "TIFF")))[8, 8::16, 0].astype(int)
    assert np.abs(seen - [0, 0, 0x80, 0xFF, 0xFF]).max() <= TOLERANCE


def test_a_png_with_a_tail_is_decoded_by_tensorflow_as_it_is() -> None:
    photo = encode(solid(), "PNG") + b"tail"
    assert clean_photo(photo) is photo
    assert (decode(photo) == TEAL).all()


@pytest.mark.parametrize("mode", ["LA", "L", "1"])
def test_a_grey_profile_is_applied_to_all_kinds_of_grey(mode: str) -> None:
    level = 255 if mode == "1" else 100
    photo = encode(
        Image.new("L", (16, 16), level).convert(mode), "PNG", icc_profile=grey_profile(1.0)
    )
    expected = 255 * (1.055 * (level / 255) ** (1 / 2.4) - 0.055)
    assert np.abs(decode(clean_photo(photo)) - expected).max() <= TOLERANCE


def test_a_profile_of_a_palette_is_applied() -> None:
    image = swatches().quantize(16)
    expected = to_srgb(read_swatches(encode(image.convert("RGB"), "PNG")), ADOBE)
    photo = encode(image, "PNG", icc_profile=rgb_profile(ADOBE))
    assert np.abs(read_swatches(clean_photo(photo)) - expected).max() <= TOLERANCE


@pytest.mark.parametrize("place", range(3))
def test_a_profile_that_changes_a_single_colour_is_applied(place: int) -> None:
    """One colorant is that of Adobe RGB, and the white moves a little with it."""
    colorants = np.array(SRGB)
    colorants[:, place] = ADOBE[:, place]
    colours = np.eye(3)[[place]] * 200
    photo = encode(swatches(colours), "PNG", icc_profile=rgb_profile(colorants))
    expected = to_srgb(colours, colorants)
    assert np.abs(read_swatches(clean_photo(photo)) - expected).max() <= TOLERANCE
