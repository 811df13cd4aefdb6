"""Two-dimensional shapes in garment units: outlines, seams and curves.

x grows to the right and y downwards. A garment is drawn symmetrically about x = 0; the
pose scales it to the photo later, so only proportions matter here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

# float64 [N, 2]: x, y.
Points = np.ndarray
# x, y, as a pair or float64 [2].
Point = tuple[float, float] | np.ndarray

# Roles of shapes, which determine the boxes that they belong to.
BODY, LEFT_SLEEVE, RIGHT_SLEEVE = "body", "left_sleeve", "right_sleeve"
COLLAR, COLLAR_BACK, OPENING = "collar", "collar_back", "opening"
WEARER = "wearer"


@dataclass(frozen=True)
class Shape:
    """A filled outline.

    Attributes:
        role: one of the roles, such as `BODY`.
        outline: float64 [N, 2], a polygon.
        paint: name of the paint, see `paints.random_paints`.
        shade: factor of the paint's brightness.
    """

    role: str
    outline: Points
    paint: str = "fabric"
    shade: float = 1.0


@dataclass(frozen=True)
class Seam:
    """A thin line over the shapes drawn before, which belongs to no box.

    Attributes:
        line: float64 [N, 2], an open polyline inside a shape.
        paint: name of the paint, see `paints.random_paints`.
        width: in pixels of the photo.
    """

    line: Points
    paint: str = "seam"
    width: float = 0.75


Marks = tuple[Shape | Seam, ...]


@dataclass(frozen=True)
class Garment:
    """A product's shapes, and the person who may wear it.

    Attributes:
        marks: shapes and seams in the order of painting.
        wearer: shapes of the person; () if nobody can wear the product.
    """

    marks: Marks
    wearer: tuple[Shape, ...] = ()

    def put_on(self) -> Marks:
        """The shapes of wearer and garment; the neck hides the back of the collar."""
        shown = (
            mark
            for mark in self.marks
            if isinstance(mark, Seam) or mark.role != COLLAR_BACK
        )
        return (*self.wearer, *shown)


def points(*xy: tuple[float, float]) -> Points:
    """N pairs as float64 [N, 2]."""
    return np.asarray(xy, dtype=np.float64)


def path(*pieces: Points | Point) -> Points:
    """Points and polylines joined into one polyline."""
    return np.concatenate([np.reshape(np.asarray(p, np.float64), (-1, 2)) for p in pieces])


def bend(
    start: Point,
    control: Point,
    end: Point,
    steps: int = 9,
) -> Points:
    """A quadratic Bezier curve as a polyline.

    Args:
        start, control, end: control points of the curve.
        steps: number of points, both ends included.

    Returns:
        float64 [steps, 2].
    """
    t = np.linspace(0.0, 1.0, steps)[:, None]
    first, middle, last = (np.asarray(p, np.float64) for p in (start, control, end))
    return (1 - t) ** 2 * first + 2 * t * (1 - t) * middle + t**2 * last


def ellipse(
    centre: tuple[float, float],
    radii: tuple[float, float],
    start: float = 0.0,
    stop: float = 360.0,
    steps: int = 40,
) -> Points:
    """An ellipse, or an arc of it, as a polyline.

    Args:
        centre: x, y of the centre.
        radii: horizontal and vertical radius.
        start, stop: angles of both ends, in degrees clockwise from the right.
        steps: number of points, both ends included.

    Returns:
        float64 [steps, 2].
    """
    angle = np.radians(np.linspace(start, stop, steps))
    return np.asarray(centre) + np.stack([np.cos(angle), np.sin(angle)], 1) * radii


def mirrored(line: Points) -> Points:
    """The points with x negated."""
    return line * (-1.0, 1.0)


def symmetric(right: Points) -> Points:
    """The closed outline whose right half is `right`, from top to bottom."""
    return np.concatenate([right, mirrored(right)[::-1]])


def ribbon(line: Points, width: float) -> Points:
    """The outline of a band of `width` along the polyline `line`."""
    tangent = np.gradient(line, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) * (width / 2)
    return np.concatenate([line + normal, (line - normal)[::-1]])


def box(left: float, top: float, right: float, bottom: float) -> Points:
    """An upright rectangle [4, 2]."""
    return points((left, top), (right, top), (right, bottom), (left, bottom))


def moved(shapes: Iterable[Shape], dx: float, dy: float) -> tuple[Shape, ...]:
    """The shapes moved by (dx, dy)."""
    return tuple(replace(shape, outline=shape.outline + (dx, dy)) for shape in shapes)
