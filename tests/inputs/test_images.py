"""Resizing keeps the shape of things, and works alike in and out of a graph."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.inputs.images import augment, decode_crop, decode_photo, resize_and_pad


@pytest.mark.parametrize(
    ("height", "width", "top", "left"),
    [(40, 40, 0, 0), (40, 20, 0, 8), (20, 40, 8, 0), (1, 1, 0, 0), (3, 300, 16, 0)],
)
def test_photo_is_centred_on_white(height: int, width: int, top: int, left: int) -> None:
    square = resize_and_pad(tf.zeros([height, width, 3], tf.uint8), 32).numpy()
    assert square.shape == (32, 32, 3)
    rows, columns = np.where((square == 0).all(axis=2))
    assert (rows.min(), columns.min()) in {(top, left), (top - 1, left)}
    if top:
        assert (square[: rows.min()] == 255).all()
    if left:
        assert (square[:, : columns.min()] == 255).all()


def test_same_size_is_untouched() -> None:
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype("uint8")
    np.testing.assert_array_equal(resize_and_pad(tf.constant(image), 16), image)


def test_shrinking_is_antialiased() -> None:
    stripes = np.zeros((64, 64, 3), "uint8")
    stripes[:, ::2] = 255
    small = resize_and_pad(tf.constant(stripes), 16).numpy()[:, 2:-2].astype(float)
    assert np.abs(small - 127.5).max() < 20


@pytest.mark.parametrize("encode", [tf.io.encode_jpeg, tf.io.encode_png])
def test_bytes_and_pixels_agree_inside_and_outside_tf_data(encode) -> None:
    image = np.random.default_rng(1).integers(0, 256, (24, 18, 3)).astype("uint8")
    data = encode(image)
    eager = decode_photo(data, 32).numpy()
    mapped = next(
        iter(tf.data.Dataset.from_tensors(data).map(lambda d: decode_photo(d, 32)))
    )
    decoded = resize_and_pad(tf.io.decode_image(data, channels=3), 32)
    np.testing.assert_array_equal(eager, mapped)
    np.testing.assert_array_equal(eager, decoded)


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((0.5, 0.25, 1.0, 0.75), slice(12, 24), slice(4, 14)),
        ((0.0, 0.0, 1.0, 1.0), slice(0, 24), slice(0, 18)),
        ((0.0, 0.0, 0.0, 0.0), slice(0, 24), slice(0, 18)),
        ((0.2, 0.5, 0.9, 0.4), slice(0, 24), slice(0, 18)),
        ((0.5, 0.5, 0.500001, 0.500001), slice(12, 13), slice(9, 10)),
    ],
)
def test_a_crop_has_the_pixels_of_its_box(box, rows: slice, columns: slice) -> None:
    """All pixels that the box touches, as NumPy slices; without area the whole photo."""
    image = np.random.default_rng(3).integers(0, 256, (24, 18, 3)).astype("uint8")
    crop = decode_crop(tf.io.encode_png(image), tf.constant(box), 16)
    expected = resize_and_pad(tf.constant(image[rows, columns]), 16)
    np.testing.assert_array_equal(crop, expected)


def test_augmentation_moves_but_keeps_colour() -> None:
    red = np.tile(np.array([200, 30, 30], "uint8"), (8, 16, 16, 1))
    moved = augment(tf.constant(red), tf.constant([1, 2], tf.int64)).numpy()
    assert moved.shape == red.shape
    is_red = np.abs(moved - [200, 30, 30]).max(axis=-1) < 1
    is_white = (moved > 254).all(axis=-1)
    assert (is_red | is_white).all()
    assert is_red.mean() > 0.7


def test_augmentation_depends_on_its_seed() -> None:
    images = tf.constant(
        np.random.default_rng(2).integers(0, 256, (4, 8, 8, 3)).astype("uint8")
    )
    first, again, other = (
        augment(images, tf.constant(seed, tf.int64)).numpy()
        for seed in ([1, 2], [1, 2], [3, 4])
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1
