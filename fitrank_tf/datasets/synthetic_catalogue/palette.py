"""Colour names of the catalogue and the RGB values of their paints."""

import numpy as np

# The colours are so far apart that a jittered colour is still nearest to its own name.
COLOURS: dict[str, tuple[int, int, int]] = {
    "Beige": (218, 198, 165),
    "Black": (26, 26, 29),
    "Blue": (42, 92, 192),
    "Brown": (110, 70, 40),
    "Green": (40, 135, 62),
    "Grey": (142, 144, 147),
    "Maroon": (112, 20, 42),
    "Navy Blue": (24, 34, 84),
    "Olive": (106, 110, 48),
    "Orange": (240, 124, 36),
    "Pink": (240, 138, 176),
    "Purple": (108, 48, 146),
    "Red": (204, 28, 40),
    "Teal": (0, 126, 130),
    "White": (242, 242, 240),
    "Yellow": (244, 210, 58),
}
SKIN_TONES: tuple[tuple[int, int, int], ...] = (
    (242, 208, 182),
    (224, 180, 146),
    (190, 138, 102),
    (142, 96, 66),
    (96, 64, 46),
)
HAIR_TONES: tuple[tuple[int, int, int], ...] = ((28, 22, 20), (58, 38, 26), (120, 84, 50))

# Dyes vary in depth more than in hue. Two colours are over 44 apart (Euclidean), so a
# jitter of 8 + 4 in each channel (21 together) never crosses the middle.
_DEPTH_JITTER, _HUE_JITTER = 8, 4
# Least distance at which a stripe or a dot is visible on its ground.
_CONTRAST = 120.0

RGB = tuple[int, int, int]


def jitter(rng: np.random.Generator, rgb: RGB) -> RGB:
    """`rgb` moved by up to 12 in each channel."""
    depth = rng.integers(-_DEPTH_JITTER, _DEPTH_JITTER + 1)
    moved = np.asarray(rgb) + depth + rng.integers(-_HUE_JITTER, _HUE_JITTER + 1, size=3)
    red, green, blue = np.clip(moved, 0, 255).tolist()
    return red, green, blue


def contrasting_colour(rng: np.random.Generator, base: RGB) -> RGB:
    """A jittered colour of the palette that is visible on `base`."""
    names = [
        name
        for name, rgb in COLOURS.items()
        if np.linalg.norm(np.subtract(rgb, base)) > _CONTRAST
    ]
    return jitter(rng, COLOURS[names[rng.integers(len(names))]])


def shaded(rgb: RGB, factor: float) -> RGB:
    """`rgb` made darker (factor below 1) or lighter (above 1)."""
    red, green, blue = (min(255, round(channel * factor)) for channel in rgb)
    return red, green, blue
