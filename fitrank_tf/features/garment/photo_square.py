"""Converts boxes between a photo and the white square that it is padded to.

Networks take squares (`inputs.images.resize_and_pad`); the boxes of a catalogue are in
coordinates of the photo. The conversion rounds exactly as `resize_and_pad` does. A box is
[ymin, xmin, ymax, xmax] in 0..1 of its image, as in TFDS `BBoxFeature`.
"""

import tensorflow as tf


def photo_extent(heights: tf.Tensor, widths: tf.Tensor, size: int) -> tf.Tensor:
    """Returns the position of photos in their padded squares.

    Args:
        heights: int [...], of the photos, in pixels.
        widths: int [...], in pixels.
        size: side of the square, in pixels.

    Returns:
        float32 [..., 4]: top, left, height and width of the photo's part of the
        square, in whole pixels.
    """
    longest = tf.cast(tf.maximum(heights, widths), tf.float32)
    scale = tf.cast(size, tf.float32) / longest
    height, width = (
        tf.maximum(tf.round(tf.cast(side, tf.float32) * scale), 1.0)
        for side in (heights, widths)
    )
    top, left = (size - height) // 2, (size - width) // 2
    return tf.stack([top, left, height, width], axis=-1)


def boxes_to_square(boxes: tf.Tensor, extent: tf.Tensor, size: int) -> tf.Tensor:
    """Converts boxes of a photo to boxes of its padded square.

    Args:
        boxes: float32 [..., N, 4] in 0..1 of the photo.
        extent: float32 [..., 4] from `photo_extent`.
        size: side of the square, in pixels.

    Returns:
        float32 [..., N, 4] in 0..1 of the square.
    """
    offset, sides = _offset_and_sides(extent)
    return (boxes * sides + offset) / size


def boxes_from_square(boxes: tf.Tensor, extent: tf.Tensor, size: int) -> tf.Tensor:
    """Converts boxes of the padded square to boxes of the photo, clipped at its edges.

    Args:
        boxes: float32 [..., N, 4] in 0..1 of the square.
        extent: float32 [..., 4] from `photo_extent`.
        size: side of the square, in pixels.

    Returns:
        float32 [..., N, 4] in 0..1 of the photo.
    """
    offset, sides = _offset_and_sides(extent)
    return tf.clip_by_value((boxes * size - offset) / sides, 0.0, 1.0)


def _offset_and_sides(extent: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Offset and scale of a box's corners, [..., 1, 4] each."""
    top_left, sides = tf.split(extent[..., None, :], 2, axis=-1)
    return tf.concat([top_left] * 2, -1), tf.concat([sides] * 2, -1)


def mirror_boxes(boxes: tf.Tensor) -> tf.Tensor:
    """Mirrors boxes left to right, as for a mirrored image.

    Args:
        boxes: float32 [..., 4] in 0..1.

    Returns:
        float32 [..., 4]: [ymin, 1 - xmax, ymax, 1 - xmin].
    """
    ymin, xmin, ymax, xmax = tf.unstack(boxes, axis=-1)
    return tf.stack([ymin, 1.0 - xmax, ymax, 1.0 - xmin], axis=-1)
