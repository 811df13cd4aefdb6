"""Boxes of photos against where `resize_and_pad` puts the pixels."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.features.garment.photo_square import (
    boxes_from_square,
    boxes_to_square,
    mirror_boxes,
    photo_extent,
)
from fitrank_tf.inputs.images import resize_and_pad

SHAPES = [(224, 168), (100, 300), (77, 77), (1, 50), (33, 97)]


def _extent_of_pixels(mask: np.ndarray) -> list[float]:
    """ymin, xmin, ymax, xmax of the true pixels, in 0..1, by loops."""
    size = len(mask)
    rows = [y for y in range(size) if any(mask[y])]
    columns = [x for x in range(size) if any(mask[:, x])]
    return [
        rows[0] / size,
        columns[0] / size,
        (rows[-1] + 1) / size,
        (columns[-1] + 1) / size,
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_box_of_the_whole_photo_is_where_its_pixels_are(shape) -> None:
    square = resize_and_pad(np.zeros((*shape, 3), np.uint8), 64).numpy()
    box = boxes_to_square(tf.constant([[0.0, 0, 1, 1]]), photo_extent(*shape, 64), 64)
    expected = _extent_of_pixels((square < 255).any(axis=-1))
    np.testing.assert_allclose(box.numpy()[0], expected, atol=1e-6)


def test_a_box_in_the_photo_goes_with_its_pixels() -> None:
    # 200 x 100 into 64: the photo is 64 x 32 at left 16, a pixel of it 3.125 wide.
    photo = np.full((200, 100, 3), 255, np.uint8)
    photo[50:100, 25:75] = 0
    box = boxes_to_square(
        tf.constant([[0.25, 0.25, 0.5, 0.75]]), photo_extent(200, 100, 64), 64
    )
    np.testing.assert_allclose(box.numpy()[0], [16 / 64, 24 / 64, 32 / 64, 40 / 64])
    pixels = (resize_and_pad(photo, 64).numpy() < 128).any(axis=-1)
    np.testing.assert_allclose(_extent_of_pixels(pixels), box.numpy()[0], atol=1 / 64)


@pytest.mark.parametrize("shape", SHAPES)
def test_to_the_square_and_back(shape) -> None:
    corners = np.sort(np.random.default_rng(0).random((5, 2, 2)), axis=1)
    boxes = tf.constant(corners.reshape(5, 4), tf.float32)
    extent = photo_extent(*shape, 128)
    back = boxes_from_square(boxes_to_square(boxes, extent, 128), extent, 128)
    np.testing.assert_allclose(back, boxes, atol=1e-5)


def test_a_batch_is_its_photos_and_map_is_eager() -> None:
    boxes = tf.random.stateless_uniform([len(SHAPES), 3, 4], [1, 2])
    heights, widths = (tf.constant(side) for side in zip(*SHAPES))
    together = boxes_to_square(boxes, photo_extent(heights, widths, 96), 96)
    rows = tf.data.Dataset.from_tensor_slices((boxes, heights, widths)).map(
        lambda box, h, w: boxes_to_square(box, photo_extent(h, w, 96), 96)
    )
    np.testing.assert_allclose(together, np.stack(list(rows.as_numpy_iterator())))


def test_boxes_are_clipped_at_the_padding() -> None:
    # The photo is the middle half of the square's width.
    extent = photo_extent(100, 50, 64)
    box = boxes_from_square(tf.constant([[0.1, 0.0, 1.0, 0.5]]), extent, 64)
    np.testing.assert_allclose(box.numpy()[0], [0.1, 0.0, 1.0, 0.5], atol=1e-6)


def test_mirrored_boxes_go_with_mirrored_pixels() -> None:
    pixels = np.zeros((20, 20), bool)
    pixels[2:9, 1:6] = True
    box = np.array(_extent_of_pixels(pixels), np.float32)
    mirrored = mirror_boxes(tf.constant(box[None])).numpy()[0]
    np.testing.assert_allclose(mirrored, _extent_of_pixels(pixels[:, ::-1]), atol=1e-6)
