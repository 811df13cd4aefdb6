"""CIELAB by its formula, for tests to compare with."""

import numpy as np

_TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]
_WHITE = (0.95047, 1.0, 1.08883)


def cielab(rgb) -> np.ndarray:
    """L, a, b [..., 3] of 8-bit sRGB colours (IEC 61966-2-1, then CIE 1976, D65)."""
    value = np.asarray(rgb, np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.transpose(_TO_XYZ) / _WHITE
    cube = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(cube, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
