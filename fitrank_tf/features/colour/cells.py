"""Bins of the colour histogram: CIELAB divided the way people name colours.

Greys are divided by lightness, other colours by lightness, chroma (muted, clear, vivid)
and hue. A table indexed by the upper six bits of each channel gives a pixel's cell in one
look-up.
"""

import itertools

import cv2
import numpy as np

GREYS, LIGHTNESSES, CHROMAS, HUES = 12, 6, 3, 12
CELLS = GREYS + LIGHTNESSES * CHROMAS * HUES
# Chroma in Lab units: below the first a colour is grey, then muted, clear, vivid.
_CHROMA_EDGES = (5.0, 14.0, 30.0)

_BITS = 6
_SHIFT = 8 - _BITS

# Human skin in YCrCb (Chai and Ngan, "Face segmentation using skin-color map in
# videophone applications", 1999): 133 <= Cr <= 173, 77 <= Cb <= 127; darker pixels
# than this luma are hair or shade, which those bounds take for skin.
_SKIN_CR, _SKIN_CB, _SKIN_LEAST_Y = (133, 173), (77, 127), 70


def _all_colours() -> np.ndarray:
    """uint8 [1, 2^18, 3]: the middle RGB colour of every entry of the tables."""
    steps = (np.arange(1 << _BITS) << _SHIFT) + (1 << (_SHIFT - 1))
    red, green, blue = np.meshgrid(steps, steps, steps, indexing="ij")
    colours = np.stack([red, green, blue], axis=-1).reshape(1, -1, 3)
    colours[colours == steps[-1]] = 255
    return colours.astype(np.uint8)


def _cells_of(lab: np.ndarray) -> np.ndarray:
    """Cells uint8 [N] of 8-bit Lab colours [N, 3]."""
    lightness, a, b = lab.astype(np.int32).T
    a, b = a - 128, b - 128
    chroma = np.digitize(np.hypot(a, b), _CHROMA_EDGES)
    hue = (np.degrees(np.arctan2(b, a)) % 360 // (360 / HUES)).astype(np.int32)
    level = lightness * LIGHTNESSES // 256
    coloured = GREYS + (level * CHROMAS + chroma - 1) * HUES + hue
    return np.where(chroma == 0, lightness * GREYS // 256, coloured).astype(np.uint8)


def _is_skin(colours: np.ndarray) -> np.ndarray:
    y, cr, cb = cv2.cvtColor(colours, cv2.COLOR_RGB2YCrCb)[0].T
    return (
        (y >= _SKIN_LEAST_Y)
        & (cr >= _SKIN_CR[0])
        & (cr <= _SKIN_CR[1])
        & (cb >= _SKIN_CB[0])
        & (cb <= _SKIN_CB[1])
    )


_COLOURS = _all_colours()
# Indexed by (red >> 2) << 12 | (green >> 2) << 6 | blue >> 2. Lab is OpenCV's 8-bit: L is
# 0..255 instead of CIE's 0..100, a and b are offset by 128.
LAB_TABLE = np.ascontiguousarray(cv2.cvtColor(_COLOURS, cv2.COLOR_RGB2LAB)[0])
CELL_TABLE = _cells_of(LAB_TABLE)
# Both in one number: L | a << 8 | b << 16 | cell << 24.
PIXEL_TABLE = np.ascontiguousarray(
    np.column_stack([LAB_TABLE, CELL_TABLE]).astype(np.uint8)
).view("<u4")[:, 0]
SKIN_TABLE = _is_skin(_COLOURS)
del _COLOURS


def cell_centres() -> np.ndarray:
    """Returns the centre of each cell, CIE L, a, b, float32 [228, 3].

    This is the mean of the cell's sRGB colours; a cell without any has the middle of its
    bounds.
    """
    centres = np.zeros((CELLS, 3))
    count = np.bincount(CELL_TABLE, minlength=CELLS)
    lab = cie_lab(LAB_TABLE)
    for channel in range(3):
        centres[:, channel] = np.bincount(
            CELL_TABLE, weights=lab[:, channel], minlength=CELLS
        )
    centres /= np.maximum(count, 1)[:, None]
    empty = np.flatnonzero(count == 0)
    centres[empty] = _bounds_middle(empty)
    return centres.astype(np.float32)


def _bounds_middle(cells: np.ndarray) -> np.ndarray:
    rest, hue = np.divmod(cells - GREYS, HUES)
    level, chroma = np.divmod(rest, CHROMAS)
    edges = (*_CHROMA_EDGES, 60.0)
    radius = np.array([(low + high) / 2 for low, high in itertools.pairwise(edges)])[chroma]
    angle = np.radians((hue + 0.5) * 360 / HUES)
    lightness = (level + 0.5) * 100 / LIGHTNESSES
    return np.stack([lightness, radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def cie_lab(lab: np.ndarray) -> np.ndarray:
    """Converts OpenCV's 8-bit Lab to CIE L (0..100), a, b, float32 [..., 3]."""
    scale = np.array([100 / 255, 1, 1], np.float32)
    return lab.astype(np.float32) * scale - np.array([0, 128, 128], np.float32)
