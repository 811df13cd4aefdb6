"""The served image encoder takes photos as raw clients send them."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fitrank_tf.core.photos.clean import clean_photo
from fitrank_tf.export.graphs.image_encoder import ImageEncoder, decode_batch
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, save_served
from fitrank_tf.inputs.images import decode_photo
from tests.datasets.small_catalogues import encode, noise_photo
from tests.towers.small_towers import small_towers

SIZE = 32
# A picture without noise: JPEG keeps it.
IMAGE = Image.merge(
    "RGB",
    [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.new("L", (256, 256))],
).resize((60, 40))


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(IMAGE, exif=exif, quality=95)


def transparent(file_format: str, **options: object) -> bytes:
    image = IMAGE.convert("RGBA")
    image.putalpha(Image.linear_gradient("L").rotate(90).resize(image.size))
    return encode(image, file_format, **options)


@pytest.fixture(scope="module")
def decode():
    spec = tf.TensorSpec([None], tf.string)
    return tf.function(lambda images: decode_batch(images, SIZE), input_signature=[spec])


def test_plain_photos_have_the_pixels_of_training(decode) -> None:
    photos = [noise_photo(seed, 40 + seed, 50) for seed in range(4)]
    photos.append(encode(IMAGE, "PNG"))
    trained = tf.data.Dataset.from_tensor_slices(photos).map(
        lambda d: decode_photo(d, SIZE)
    )
    np.testing.assert_array_equal(decode(tf.constant(photos)), list(trained))


@pytest.mark.parametrize(
    "photo",
    [
        *(turned(orientation) for orientation in (3, 6, 8)),
        transparent("PNG"),
        transparent("WEBP", lossless=True),
    ],
    ids=["turned 3", "turned 6", "turned 8", "transparent png", "transparent webp"],
)
def test_raw_photos_have_the_pixels_of_cleaned_ones(decode, photo: bytes) -> None:
    raw, cleaned = decode(tf.constant([photo, clean_photo(photo)])).numpy().astype(int)
    # Cleaning writes a JPEG again.
    assert np.abs(raw - cleaned).mean() < 2


@pytest.mark.parametrize(
    ("bad", "places"),
    [({1: b"junk"}, "2"), ({0: encode(IMAGE, "TIFF"), 2: encode(IMAGE, "AVIF")}, "1, 3")],
)
def test_the_photos_of_other_formats_are_named(decode, bad: dict, places: str) -> None:
    photos = [bad.get(place, noise_photo(place)) for place in range(3)]
    message = f"photo {places} of the request is no JPEG, PNG, GIF, BMP or WebP"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decode(tf.constant(photos))


def test_no_photo_gives_no_pixels(decode) -> None:
    assert decode(tf.constant([], tf.string)).shape == (0, SIZE, SIZE, 3)


def test_the_saved_encoder_sees_raw_photos_upright(tmp_path) -> None:
    path = save_served(ImageEncoder(small_towers()), tmp_path / "image_encoder", version=1)
    encoder = tf.saved_model.load(str(path)).signatures[DEFAULT_SIGNATURE]
    lying = IMAGE.transpose(Image.Transpose.ROTATE_90)  # orientation 6 stands it up
    exif = Image.Exif()
    exif[0x0112] = 6
    photos = [encode(IMAGE, quality=100), encode(lying, exif=exif, quality=100)]
    upright, raw = encoder(image=tf.constant(photos))["embedding"].numpy()
    plain_lying = encoder(image=tf.constant([encode(lying, quality=100)]))
    assert raw @ upright > 0.999 > plain_lying["embedding"].numpy()[0] @ upright
