"""The graph applies ICC profiles as Little CMS does, and leaves others alone."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageCms

from fitrank_tf.inputs.colour_profile import to_srgb
from fitrank_tf.inputs.image_file import decode_upright
from tests.core.photos.icc_profiles import ADOBE, SRGB, grey_profile, rgb_profile
from tests.datasets.small_catalogues import encode

# Display P3 (SMPTE EG 432-1, under D50).
P3 = np.array(
    [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)

convert = tf.function(
    to_srgb,
    input_signature=[
        tf.TensorSpec([None, None, 3], tf.uint8),
        tf.TensorSpec([], tf.string),
    ],
)
decode = tf.function(decode_upright, input_signature=[tf.TensorSpec([], tf.string)])


def by_little_cms(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(Image.fromarray(pixels), opened, srgb)
    return np.asarray(converted).astype(int)


def with_curves_of_srgb(colorants: np.ndarray) -> bytes:
    """A profile with sRGB's own parametric curves, as phones write it."""
    profile = bytearray(rgb_profile(colorants))
    source, tags = SRGB_PROFILE, int.from_bytes(SRGB_PROFILE[128:132])
    entries = [source[132 + 12 * n : 144 + 12 * n] for n in range(tags)]
    [(place, size)] = [
        (int.from_bytes(e[4:8]), int.from_bytes(e[8:])) for e in entries if e[:4] == b"rTRC"
    ]
    for n in range(int.from_bytes(profile[128:132])):
        entry = 132 + 12 * n
        if profile[entry + 1 : entry + 4] == b"TRC":
            profile[entry + 4 : entry + 8] = len(profile).to_bytes(4)
            profile[entry + 8 : entry + 12] = size.to_bytes(4)
    profile += source[place : place + size]
    profile[:4] = len(profile).to_bytes(4)
    return bytes(profile)


def sampled_profile(colorants: np.ndarray, gamma: float, count: int) -> bytes:
    """A profile with a table of `count` for its curves."""
    table = np.round(65535 * np.linspace(0, 1, count) ** gamma).astype(">u2").tobytes()
    profile = bytearray(rgb_profile(colorants))
    for n in range(int.from_bytes(profile[128:132])):
        entry = 132 + 12 * n
        if profile[entry + 1 : entry + 4] == b"TRC":
            profile[entry + 4 : entry + 8] = len(profile).to_bytes(4)
            profile[entry + 8 : entry + 12] = (12 + len(table)).to_bytes(4)
    profile += b"curv" + bytes(4) + count.to_bytes(4) + table
    profile[:4] = len(profile).to_bytes(4)
    return bytes(profile)


@pytest.mark.parametrize(
    "profile",
    [
        rgb_profile(ADOBE),
        rgb_profile(P3, 1.8),
        rgb_profile(SRGB, 1.0),
        with_curves_of_srgb(P3),
        sampled_profile(ADOBE, 2.2, 1024),
        sampled_profile(P3, 1.8, 17),
    ],
    ids=["Adobe RGB", "P3, 1.8", "linear", "P3, parametric", "1,024 samples", "17 samples"],
)
def test_profiles_are_applied_as_by_little_cms(profile: bytes) -> None:
    head = encode(Image.fromarray(PIXELS), icc_profile=profile)
    expected = by_little_cms(PIXELS, profile)
    assert np.abs(expected - PIXELS).max() > 20
    assert np.abs(convert(PIXELS, head).numpy() - expected).max() <= 2


@pytest.mark.parametrize(
    "profile",
    [
        SRGB_PROFILE,
        sampled_profile(SRGB, 2.2, 1024)[:300],
        grey_profile(1.0),
        b"junk" * 40,
        rgb_profile(ADOBE)[:150],
        rgb_profile(ADOBE).replace(b"rXYZ", b"zXYZ", 1),
        rgb_profile(ADOBE)[:128] + b"\xff" * 200,
    ],
    ids=["sRGB", "cut", "grey", "junk", "cut tags", "no red", "tags without end"],
)
def test_other_profiles_leave_the_pixels(profile: bytes) -> None:
    data = encode(Image.fromarray(PIXELS), icc_profile=profile)
    np.testing.assert_array_equal(convert(PIXELS, data), PIXELS)
    np.testing.assert_array_equal(decode(data), tf.io.decode_jpeg(data, channels=3))


def test_a_raw_photo_is_converted_and_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = rgb_profile(ADOBE)
    data = encode(Image.fromarray(PIXELS), icc_profile=profile, exif=exif)
    pixels = tf.io.decode_jpeg(data, channels=3).numpy()
    expected = np.rot90(by_little_cms(pixels, profile), -1)
    assert np.abs(decode(data).numpy() - expected).max() <= 2
