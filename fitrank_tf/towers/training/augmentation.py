"""Random zoom, shift, mirror and mixture of photos, on the device that trains.

`inputs/images.py` has the same windows for tf.data. Colour is part of what a shopper asks
for, so hue, saturation and lightness stay as they are.
"""

import keras
from keras import KerasTensor, ops

_WHITE = 255.0
_LEAST_WINDOW, _MOST_WINDOW = 0.7, 1.1


class Augmentation:
    """Shows each photo of a batch in another window at each step.

    Args:
        seed: of the draws.
    """

    def __init__(self, seed: int):
        self.seeds = keras.random.SeedGenerator(seed)

    def __call__(self, images: KerasTensor) -> KerasTensor:
        """Photos in their windows.

        Args:
            images: [B, S, S, 3], values 0..255.

        Returns:
            float32 [B, S, S, 3]. What a window has beyond its photo is white, like the
            padding.
        """
        batch, size = ops.shape(images)[0], images.shape[1]
        window = keras.random.uniform(
            (batch, 1), _LEAST_WINDOW, _MOST_WINDOW, seed=self.seeds
        )
        corner = keras.random.uniform((batch, 2), seed=self.seeds) * (1.0 - window)
        mirrored = keras.random.uniform((batch, 1), seed=self.seeds) < 0.5
        top, left = corner[:, :1], corner[:, 1:]
        first = ops.where(mirrored, left + window, left)
        last = ops.where(mirrored, left, left + window)
        return crop(images, top, top + window, first, last, size)


def crop(
    images: KerasTensor,
    top: KerasTensor,
    bottom: KerasTensor,
    left: KerasTensor,
    right: KerasTensor,
    size: int,
) -> KerasTensor:
    """Windows of photos, resized bilinearly: `tf.image.crop_and_resize` without gathers.

    A row of a window is a mean of two rows of its photo, so that all rows are a product
    with a matrix; columns likewise.

    Args:
        images: [B, H, W, 3], values 0..255.
        top: float32 [B, 1], of the window's first row, 0..1 of the photo's height. It and
            its like may be outside of the photo.
        bottom: of its last row.
        left: of its first column; larger than `right` mirrors the window.
        right: of its last column.
        size: side of what is made.

    Returns:
        float32 [B, size, size, 3], white where the photo has no pixel.
    """
    ink = _WHITE - ops.cast(images, "float32")
    rows = _between_pixels(top, bottom, size, images.shape[1])
    columns = _between_pixels(left, right, size, images.shape[2])
    return _WHITE - ops.einsum("brh,bhwc,bsw->brsc", rows, ink, columns)


def _between_pixels(
    first: KerasTensor, last: KerasTensor, size: int, pixels: int
) -> KerasTensor:
    """float32 [B, size, pixels]: how much of each pixel each place of a window shows."""
    steps = ops.arange(size, dtype="float32") / (size - 1)
    places = (first + (last - first) * steps[None, :]) * (pixels - 1)
    apart = ops.abs(places[:, :, None] - ops.arange(pixels, dtype="float32"))
    inside = ops.logical_and(places >= 0, places <= pixels - 1)
    return ops.maximum(1.0 - apart, 0.0) * ops.cast(inside, "float32")[:, :, None]
