"""The CIEDE2000 colour difference.

Written here because scikit-image would be a new requirement for this one formula.
"""

from typing import Any

import numpy as np

_DEGREES, _RADIANS = 180.0 / np.pi, np.pi / 180.0


def ciede2000(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Returns the perceived difference of colours; 1 is about the least visible one.

    CIE 142-2001 in the notation of Sharma, Wu and Dalal, "The CIEDE2000 Color-
    Difference Formula: Implementation Notes, Supplementary Test Data, and
    Mathematical Observations", 2005; k_L = k_C = k_H = 1.

    Args:
        left: float [..., 3], CIE L, a, b.
        right: float [..., 3]; the two are broadcast.

    Returns:
        float64 [...].
    """
    return difference(np.asarray(left, np.float64), np.asarray(right, np.float64), np)


def difference(left: Any, right: Any, ops: Any) -> Any:
    """`ciede2000` of arrays of any library.

    Args:
        left: float [..., 3], CIE L, a, b.
        right: float [..., 3], of the same library and dtype.
        ops: the library's functions by NumPy's names, such as `numpy` or `keras.ops`.

    Returns:
        float [...], of the same dtype.
    """
    (l1, a1, b1), (l2, a2, b2) = (
        (lab[..., 0], lab[..., 1], lab[..., 2]) for lab in (left, right)
    )
    mean_chroma7 = ((ops.hypot(a1, b1) + ops.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * ops.sqrt(mean_chroma7 / (mean_chroma7 + 25.0**7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = ops.hypot(a1, b1), ops.hypot(a2, b2)
    h1, h2 = (_DEGREES * ops.arctan2(b, a) % 360 for a, b in ((a1, b1), (a2, b2)))
    is_grey = c1 * c2 == 0
    turn = ops.where(is_grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    # For opposite hues both ways round are equally short; the standard takes +180.
    turn = ops.where((turn == -180) & (h2 > h1), 180.0, turn)
    delta_l, delta_c = l2 - l1, c2 - c1
    delta_h = 2 * ops.sqrt(c1 * c2) * ops.sin(_RADIANS * turn / 2)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = ops.where(is_grey, h1 + h2, _mean_hue(h1, h2, ops))
    weight_h = (
        1
        - 0.17 * ops.cos(_RADIANS * (mean_h - 30))
        + 0.24 * ops.cos(_RADIANS * (2 * mean_h))
        + 0.32 * ops.cos(_RADIANS * (3 * mean_h + 6))
        - 0.20 * ops.cos(_RADIANS * (4 * mean_h - 63))
    )
    from_50 = (mean_l - 50) ** 2
    s_l = 1 + 0.015 * from_50 / ops.sqrt(20 + from_50)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * weight_h
    angle = 60 * ops.exp(-(((mean_h - 275) / 25) ** 2))
    chroma7 = mean_c**7
    rotation = -ops.sin(_RADIANS * angle) * 2 * ops.sqrt(chroma7 / (chroma7 + 25.0**7))
    l_term, c_term, h_term = delta_l / s_l, delta_c / s_c, delta_h / s_h
    squares = l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term
    return ops.sqrt(ops.maximum(squares, 0.0))


def _mean_hue(h1: Any, h2: Any, ops: Any) -> Any:
    total = h1 + h2
    across = ops.abs(h1 - h2) > 180
    return ops.where(across, ops.where(total < 360, total + 360, total - 360), total) / 2
