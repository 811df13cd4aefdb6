"""The product cut out of its photo: one small picture of one size, and its backdrop.

Colour and texture are read from this canvas, so their cost does not grow with the
photo.
"""

import dataclasses

import cv2
import numpy as np
from numba import njit

from fitrank_tf.features.colour_cells import SKIN_TABLE

# Pixels a side. At 96 the checks of a shirt in a photo of 224 pixels survive.
CANVAS = 96
# As much skin above the box is a face, not a print of the backdrop.
_FACE = 0.04
# Sum of the three channels' differences (of 255) from the backdrop: JPEG noise is less.
_NO_BACKDROP = 60


@dataclasses.dataclass(frozen=True)
class GarmentCanvas:
    """What colour and texture read.

    Attributes:
        pixels: uint8 [96, 96, 3], RGB: the garment box, stretched to a square.
        backdrop: uint8 [3], RGB: the median of the photo's outermost pixels.
        skin_above: share of the photo above the garment box that is skin, 0..1: a
            face, where a person wears the product.
        figure_top: where the uppermost thing that is no backdrop begins above or in
            the garment box, 0..1 of the photo's height: the crown of the wearer.
    """

    pixels: np.ndarray
    backdrop: np.ndarray
    skin_above: float
    figure_top: float

    @property
    def is_worn(self) -> bool:
        """Whether a person's skin is seen above the product."""
        return self.skin_above > _FACE


def cut_out(photo: np.ndarray, garment_box: np.ndarray) -> GarmentCanvas:
    """Cuts one garment out.

    Args:
        photo: uint8 [H, W, 3], RGB, without padding.
        garment_box: float32 [4], [ymin, xmin, ymax, xmax] in 0..1 of the photo; zeros
            for "not found" mean the whole photo.
    """
    rows, columns = _window(garment_box, *photo.shape[:2])
    crop = photo[rows, columns]
    pixels = cv2.resize(crop, (CANVAS, CANVAS), interpolation=_interpolation(crop))
    backdrop = np.empty(3, np.uint8)
    _median_of_rim(photo, backdrop)
    skin_above, figure_top = _look_above(
        photo, rows.start, columns.start, columns.stop, SKIN_TABLE, backdrop
    )
    return GarmentCanvas(pixels, backdrop, skin_above, figure_top)


def _interpolation(crop: np.ndarray) -> int:
    # Up to twice the canvas the bilinear filter sees every pixel, and is faster.
    return cv2.INTER_LINEAR if max(crop.shape[:2]) <= 2 * CANVAS else cv2.INTER_AREA


def _window(box: np.ndarray, height: int, width: int) -> tuple[slice, slice]:
    """The box in pixels, at least one each way; all of the photo for a box of zeros."""
    ymin, xmin, ymax, xmax = box.tolist()
    if ymax <= 0 or xmax <= 0:
        return slice(0, height), slice(0, width)
    top, left = min(int(ymin * height), height - 1), min(int(xmin * width), width - 1)
    bottom, right = int(np.ceil(ymax * height)), int(np.ceil(xmax * width))
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


@njit(cache=True, nogil=True)
def _median_of_rim(photo, backdrop):
    """Writes the median of the photo's outermost pixels, uint8 [3]."""
    height, width = photo.shape[0], photo.shape[1]
    for channel in range(3):
        counts = np.zeros(256, np.int64)
        for x in range(width):
            counts[photo[0, x, channel]] += 1
            counts[photo[height - 1, x, channel]] += 1
        for y in range(height):
            counts[photo[y, 0, channel]] += 1
            counts[photo[y, width - 1, channel]] += 1
        seen, value = counts[0], 0
        while seen < height + width:
            value += 1
            seen += counts[value]
        backdrop[channel] = value


@njit(cache=True, nogil=True)
def _look_above(photo, top, left, right, skin_table, backdrop):
    """The share of skin above the box, and where the figure begins, 0..1."""
    found, looked, first = 0, 0, top
    # Every second pixel is enough for a share.
    for y in range(0, top, 2):
        differing = 0
        for x in range(left, right, 2):
            r, g, b = (
                np.int64(photo[y, x, 0]),
                np.int64(photo[y, x, 1]),
                np.int64(photo[y, x, 2]),
            )
            found += skin_table[(r >> 2) << 12 | (g >> 2) << 6 | b >> 2]
            looked += 1
            distance = abs(r - backdrop[0]) + abs(g - backdrop[1]) + abs(b - backdrop[2])
            differing += distance > _NO_BACKDROP
        if differing > 1 and first == top:
            first = y
    return (found / looked if looked else 0.0), first / photo.shape[0]
