"""The CIEDE2000 colour difference.

Written here because scikit-image would be a new requirement for this one formula.
"""

import numpy as np


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
    (l1, a1, b1), (l2, a2, b2) = (
        np.moveaxis(np.asarray(lab, np.float64), -1, 0) for lab in (left, right)
    )
    mean_chroma7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(mean_chroma7 / (mean_chroma7 + 25.0**7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    is_grey = c1 * c2 == 0
    turn = np.where(is_grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    # For opposite hues both ways round are equally short; the standard takes +180.
    turn = np.where((turn == -180) & (h2 > h1), 180.0, turn)
    delta_l, delta_c = l2 - l1, c2 - c1
    delta_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = np.where(is_grey, h1 + h2, _mean_hue(h1, h2))
    weight_h = (
        1
        - 0.17 * np.cos(np.radians(mean_h - 30))
        + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6))
        - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    )
    from_50 = (mean_l - 50) ** 2
    s_l = 1 + 0.015 * from_50 / np.sqrt(20 + from_50)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * weight_h
    angle = 60 * np.exp(-(((mean_h - 275) / 25) ** 2))
    chroma7 = mean_c**7
    rotation = -np.sin(np.radians(angle)) * 2 * np.sqrt(chroma7 / (chroma7 + 25.0**7))
    l_term, c_term, h_term = delta_l / s_l, delta_c / s_c, delta_h / s_h
    squares = l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term
    return np.sqrt(np.maximum(squares, 0.0))


def _mean_hue(h1: np.ndarray, h2: np.ndarray) -> np.ndarray:
    total = h1 + h2
    across = np.abs(h1 - h2) > 180
    return np.where(across, np.where(total < 360, total + 360, total - 360), total) / 2
