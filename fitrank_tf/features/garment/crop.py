"""The product cut out of its photo, and its backdrop.

Colour and texture are sampled from the crop at a fixed number of points, so their cost
does not grow with the photo. The attribute network takes the crop resized to a square, the
canvas.
"""

import dataclasses
import math

import cv2
import numpy as np
from numba import njit

from fitrank_tf.features.colour.cells import SKIN_TABLE

# Side in pixels. At 96 the checks of a shirt in a photo of 224 pixels are still visible.
CANVAS = 96
# A larger share of skin above the box is a face, not a pattern of the backdrop.
_FACE = 0.04
# Sum of the three channels' differences (0..255) from the backdrop; JPEG noise is smaller.
_NO_BACKDROP = 60


@dataclasses.dataclass(frozen=True)
class GarmentCrop:
    """A product cut out of its photo.

    Attributes:
        pixels: uint8 [H, W, 3], RGB: the garment box of the photo, at least 1 x 1
            pixel. It may be a view of the photo.
        backdrop: uint8 [3], RGB: the median of the photo's outermost pixels.
        skin_above: share of skin in the photo above the garment box, 0..1: a face, if a
            person wears the product.
        figure_top: top of the uppermost content above the box, else the top of the box,
            0..1 of the photo's height: the crown of the wearer's head.
    """

    pixels: np.ndarray
    backdrop: np.ndarray
    skin_above: float
    figure_top: float

    @property
    def is_worn(self) -> bool:
        """Whether a person's skin is visible above the product."""
        return self.skin_above > _FACE

    def canvas(self) -> np.ndarray:
        """Returns the crop resized to a square, uint8 [96, 96, 3]."""
        # Up to twice the canvas the bilinear filter uses every pixel, and is faster.
        small = max(self.pixels.shape[:2]) <= 2 * CANVAS
        how = cv2.INTER_LINEAR if small else cv2.INTER_AREA
        return cv2.resize(self.pixels, (CANVAS, CANVAS), interpolation=how)


def cut_out(photo: np.ndarray, garment_box: np.ndarray) -> GarmentCrop:
    """Cuts one garment out of its photo.

    Args:
        photo: uint8 [H, W, 3], RGB, without padding.
        garment_box: float32 [4], [ymin, xmin, ymax, xmax] in 0..1 of the photo; zeros
            (not found) for the whole photo.
    """
    rows, columns = _window(garment_box, *photo.shape[:2])
    backdrop = np.empty(3, np.uint8)
    skin_above, figure_top = _look_around(
        photo, rows.start, columns.start, columns.stop, SKIN_TABLE, backdrop
    )
    return GarmentCrop(photo[rows, columns], backdrop, skin_above, figure_top)


def _window(box: np.ndarray, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of the box, at least one each; the whole photo for zeros."""
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
    """Writes the backdrop; returns the share of skin above the box and `figure_top`."""
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
    # Pixels of a column lie far apart in memory: every second one is read.
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
    """Returns the share of skin above the box and `figure_top`, both 0..1."""
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
