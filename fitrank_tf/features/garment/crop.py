"""The product cut out of its photo, and its backdrop.

Colour and texture are sampled from the crop at a fixed number of places, so their cost
does not grow with the photo. The attribute network reads it as a canvas of one size.
"""

import dataclasses
import math

import cv2
import numpy as np
from numba import njit

from fitrank_tf.features.colour.cells import SKIN_TABLE

# Pixels a side. At 96 the checks of a shirt in a photo of 224 pixels survive.
CANVAS = 96
# As much skin above the box is a face, not a print of the backdrop.
_FACE = 0.04
# Sum of the three channels' differences (of 255) from the backdrop: JPEG noise is less.
_NO_BACKDROP = 60


@dataclasses.dataclass(frozen=True)
class GarmentCrop:
    """What colour and texture read.

    Attributes:
        pixels: uint8 [H, W, 3], RGB: the garment box of the photo, one pixel or more
            each way. It may be a view of the photo.
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

    def canvas(self) -> np.ndarray:
        """uint8 [96, 96, 3]: the crop, stretched to a square."""
        # Up to twice the canvas the bilinear filter sees every pixel, and is faster.
        small = max(self.pixels.shape[:2]) <= 2 * CANVAS
        how = cv2.INTER_LINEAR if small else cv2.INTER_AREA
        return cv2.resize(self.pixels, (CANVAS, CANVAS), interpolation=how)


def cut_out(photo: np.ndarray, garment_box: np.ndarray) -> GarmentCrop:
    """Cuts one garment out.

    Args:
        photo: uint8 [H, W, 3], RGB, without padding.
        garment_box: float32 [4], [ymin, xmin, ymax, xmax] in 0..1 of the photo; zeros
            for "not found" mean the whole photo.
    """
    rows, columns = _window(garment_box, *photo.shape[:2])
    backdrop = np.empty(3, np.uint8)
    skin_above, figure_top = _look_around(
        photo, rows.start, columns.start, columns.stop, SKIN_TABLE, backdrop
    )
    return GarmentCrop(photo[rows, columns], backdrop, skin_above, figure_top)


def _window(box: np.ndarray, height: int, width: int) -> tuple[slice, slice]:
    """The box in pixels, at least one each way; all of the photo for a box of zeros."""
    ymin, xmin, ymax, xmax = box.tolist()
    if ymax <= 0 or xmax <= 0:
        return slice(0, height), slice(0, width)
    top, left = min(int(ymin * height), height - 1), min(int(xmin * width), width - 1)
    bottom, right = math.ceil(ymax * height), math.ceil(xmax * width)
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


@njit(cache=True, nogil=True)
def _look_around(
    photo: np.ndarray,
    top: int,
    left: int,
    right: int,
    skin_table: np.ndarray,
    backdrop: np.ndarray,
) -> tuple[float, float]:
    """Writes the backdrop; the share of skin above the box, where the figure begins."""
    _median_of_rim(photo, backdrop)
    return _look_above(photo, top, left, right, skin_table, backdrop)


@njit(cache=True, nogil=True)
def _median_of_rim(photo: np.ndarray, backdrop: np.ndarray) -> None:
    """Writes the median of the photo's outermost pixels, uint8 [3]."""
    height, width = photo.shape[0], photo.shape[1]
    counts = np.zeros((3, 256), np.int32)
    for y in (0, height - 1):
        for x in range(width):
            for channel in range(3):
                counts[channel, photo[y, x, channel]] += 1
    # A row apart lies far away in memory: of the sides every second pixel.
    for x in (0, width - 1):
        for y in range(0, height, 2):
            for channel in range(3):
                counts[channel, photo[y, x, channel]] += 1
    for channel in range(3):
        seen, value = counts[channel, 0], 0
        while seen < width + (height + 1) // 2:
            value += 1
            seen += counts[channel, value]
        backdrop[channel] = value


@njit(cache=True, nogil=True)
def _look_above(
    photo: np.ndarray,
    top: int,
    left: int,
    right: int,
    skin_table: np.ndarray,
    backdrop: np.ndarray,
) -> tuple[float, float]:
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
