"""Random zoom, shift, mirror and mixture of photos, on the device that trains.

`inputs/images.py` has the same windows for tf.data. Shoppers search for colours, so hue,
saturation and lightness are not changed.
"""

import keras
from keras import KerasTensor, ops

_WHITE = 255.0
_LEAST_WINDOW, _MOST_WINDOW = 0.7, 1.1


class Augmentation:
    """Crops, shifts and mirrors each photo of a batch at random.

    Args:
        seed: of the draws.
    """

    def __init__(self, seed: int):
        self.seeds = keras.random.SeedGenerator(seed)

    def __call__(self, images: KerasTensor) -> KerasTensor:
        """Augments a batch.

        Args:
            images: [B, S, S, 3], values 0..255.

        Returns:
            float32 [B, S, S, 3]; white outside the photo, like the padding.
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
    """Crops and resizes bilinearly: `tf.image.crop_and_resize` without gathers.

    Each row of a window is a weighted mean of two rows of the photo, so all rows are a
    matrix product; columns likewise.

    Args:
        images: [B, H, W, 3], values 0..255.
        top: float32 [B, 1], first row of the window, 0..1 of the photo's height. All bounds
            may lie outside the photo.
        bottom: float32 [B, 1], last row.
        left: float32 [B, 1], first column; larger than `right` mirrors the window.
        right: float32 [B, 1], last column.
        size: side of the result in pixels.

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
    """float32 [B, size, pixels]: bilinear weight of each pixel in each output position."""
    steps = ops.arange(size, dtype="float32") / (size - 1)
    places = (first + (last - first) * steps[None, :]) * (pixels - 1)
    apart = ops.abs(places[:, :, None] - ops.arange(pixels, dtype="float32"))
    inside = ops.logical_and(places >= 0, places <= pixels - 1)
    return ops.maximum(1.0 - apart, 0.0) * ops.cast(inside, "float32")[:, :, None]
