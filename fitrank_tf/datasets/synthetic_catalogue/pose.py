"""Position, scale and rotation of a product in its photo."""

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.shapes import Garment, Marks, Points, Shape

# Degrees; hung and laid garments are tilted more than standing people.
_TILT, _TILT_WORN = 8.0, 3.0
_LOWEST_FILL, _HIGHEST_FILL = 0.72, 0.96
# Garment units of the wearer's head above the garment and knees below it.
_ABOVE, _BELOW = 78.0, 45.0


def _extent(corners: Points) -> tuple[Points, Points]:
    return corners.min(axis=0), corners.max(axis=0)


def _outlines(shapes: Marks) -> Points:
    return np.concatenate([shape.outline for shape in shapes if isinstance(shape, Shape)])


def _framed(rng: np.random.Generator, garment: Garment, worn: bool) -> Points:
    """Points that must be in the photo: the garment, and a part of its wearer."""
    outline = _outlines(garment.marks)
    if not worn:
        return outline
    low, high = _extent(outline)
    top = low[1] - _ABOVE * rng.uniform(0.4, 1.0)
    bottom = high[1] + _BELOW * rng.uniform(0.0, 1.0)
    return np.concatenate([outline, [(0.0, top), (0.0, bottom)]])


def random_pose(
    rng: np.random.Generator, garment: Garment, worn: bool, height: int, width: int
) -> np.ndarray:
    """A random affine map from garment units to pixels that keeps the garment in the photo.

    Args:
        rng: draws tilt, scale and position.
        garment: the garment.
        worn: whether a person wears the garment.
        height, width: size of the photo, in pixels.

    Returns:
        float64 [2, 3], which maps (x, y, 1) to (x, y).
    """
    tilt = np.radians(rng.uniform(-1, 1) * (_TILT_WORN if worn else _TILT))
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    low, high = _extent(_framed(rng, garment, worn) @ turn.T)
    frame = np.array([width, height])
    scale = (frame / (high - low)).min() * rng.uniform(_LOWEST_FILL, _HIGHEST_FILL)
    spare = frame - scale * (high - low)
    corner = spare * rng.uniform(0.15, 0.85, size=2)
    return np.concatenate([scale * turn, (corner - scale * low)[:, None]], axis=1)


def place(pose: np.ndarray, outline: Points) -> Points:
    """`outline` [N, 2] in pixels."""
    return outline @ pose[:, :2].T + pose[:, 2]


def tilt_degrees(pose: np.ndarray) -> float:
    """The rotation of a pose, counter-clockwise as in OpenCV."""
    return -float(np.degrees(np.arctan2(pose[1, 0], pose[0, 0])))
