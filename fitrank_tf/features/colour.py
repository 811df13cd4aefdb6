"""The `colour` group of the feature vector: a CIELAB histogram of the product.

The cells follow how people name colours: greys by lightness, the others by hue
(12), chroma (muted, vivid) and lightness (3). On 3,000 products of *Fashion
Product Images* (half to fit, half to test), a logistic regression names the
shop's base colour as well from these 80 cells as from 180 soft cells of a
regular L x a x b grid, and better than from 144 hard ones.
"""

import cv2
import numpy as np

from fitrank_tf.features.schema import FeatureSlice

GROUP = "colour"

_GREYS, _LIGHTNESSES, _CHROMAS, _HUES = 8, 3, 2, 12
# Chroma in Lab units: below the first a colour reads grey, below the second muted.
_GREY_CHROMA, _MUTED_CHROMA = 8.0, 25.0
_CELLS = _GREYS + _LIGHTNESSES * _CHROMAS * _HUES

# A pixel this far (Lab) from the photo's edge is no longer the backdrop: above the
# noise of JPEG, below the shading of white cloth.
_BACKDROP_DISTANCE = 8.0
# With less foreground than this the product has the backdrop's colour.
_LEAST_FOREGROUND = 0.05
_AB_SCALE = 128.0


def colour_slices() -> tuple[FeatureSlice, ...]:
    """What `colour_features` returns, from index 0."""
    root = "square root of a share"
    hues = "hues from red on, inside chroma, inside lightness"
    rows = [
        ("grey_histogram", _GREYS, "greys, dark to light", root, 0.0, 1.0),
        ("hue_histogram", _CELLS - _GREYS, hues, root, 0.0, 1.0),
        ("mean_lightness", 1, "mean L of the product", "L / 100", 0.0, 1.0),
        ("mean_ab", 2, "mean a and b of the product", "Lab units / 128", -1.0, 1.0),
        ("foreground", 1, "how much of the garment box is product", "share", 0.0, 1.0),
    ]
    return FeatureSlice.consecutive(GROUP, rows)


def colour_features(photo: np.ndarray, garment_box: np.ndarray) -> np.ndarray:
    """The `colour` group of one photo.

    The histogram is L1-normalised, then its square root is taken, so that the
    inner product of two histograms is their Bhattacharyya coefficient.

    Args:
        photo: uint8 [H, W, 3], RGB, without padding.
        garment_box: float32 [4], [ymin, xmin, ymax, xmax] in 0..1 of the photo;
            zeros for "not found" mean the whole photo.

    Returns:
        float32 [84], laid out as `colour_slices` says.
    """
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB)
    window = _window(garment_box, *photo.shape[:2])
    foreground = _differs_from_backdrop(lab)[window]
    share = foreground.mean()
    if share < _LEAST_FOREGROUND:
        # White on white: the backdrop's colour is the product's.
        foreground = np.ones_like(foreground)
    pixels = lab[window][foreground]
    histogram = np.bincount(_cells(pixels), minlength=_CELLS) / len(pixels)
    lightness, a, b = pixels.mean(axis=0)
    means = [lightness / 255, (a - 128) / _AB_SCALE, (b - 128) / _AB_SCALE, share]
    return np.concatenate([np.sqrt(histogram), means]).astype(np.float32)


def _window(box: np.ndarray, height: int, width: int) -> tuple[slice, slice]:
    """The box in pixels, at least one each way; all of the photo for a box of zeros."""
    if not box.any():
        return slice(None), slice(None)
    top, left = np.minimum((box[:2] * (height, width)).astype(int), (height - 1, width - 1))
    bottom, right = np.ceil(box[2:] * (height, width)).astype(int)
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))


def _differs_from_backdrop(lab: np.ndarray) -> np.ndarray:
    """bool [H, W]: far from the median colour of the photo's outermost pixels."""
    edge = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    # OpenCV's 8-bit L runs to 255 where CIE's runs to 100.
    units = np.array([100 / 255, 1, 1], np.float32)
    difference = (lab - np.median(edge, axis=0).astype(np.float32)) * units
    return np.einsum("hwc,hwc->hw", difference, difference) > _BACKDROP_DISTANCE**2


def _cells(pixels: np.ndarray) -> np.ndarray:
    """int [N], the cell of each 8-bit Lab pixel, uint8 [N, 3]."""
    lightness, a, b = pixels.astype(np.intp).T
    hue_and_chroma = _HUE_AND_CHROMA[a, b]
    coloured = _GREYS + lightness * _LIGHTNESSES // 256 * _CHROMAS * _HUES + hue_and_chroma
    return np.where(hue_and_chroma < 0, lightness * _GREYS // 256, coloured)


def _hue_and_chroma_table() -> np.ndarray:
    """int [256, 256] by OpenCV's 8-bit a and b: chroma * 12 + hue, -1 for a grey."""
    a, b = np.mgrid[:256, :256] - 128
    chroma = np.hypot(a, b)
    # The hues are 30 degrees wide; sRGB's red lies at 40, inside the second.
    hue = (np.degrees(np.arctan2(b, a)) % 360 // (360 / _HUES)).astype(np.intp)
    coloured = (chroma >= _MUTED_CHROMA) * _HUES + hue
    return np.where(chroma < _GREY_CHROMA, -1, coloured)


_HUE_AND_CHROMA = _hue_and_chroma_table()
