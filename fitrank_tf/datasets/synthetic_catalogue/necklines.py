"""Draws necklines: round, v, collar and hood, at the neck of an upper garment."""

from collections.abc import Callable

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.cut import Cut
from fitrank_tf.datasets.synthetic_catalogue.facets import Facets
from fitrank_tf.datasets.synthetic_catalogue.shapes import (
    COLLAR,
    COLLAR_BACK,
    OPENING,
    Marks,
    Points,
    Seam,
    Shape,
    bend,
    ellipse,
    mirrored,
    path,
    points,
    ribbon,
    symmetric,
)


def _back_edge(neck: float) -> Points:
    """The back of the neck hole, left to right, a little below the neck points."""
    return bend((-neck, 0), (0, 7), (neck, 0))


def _round_neck(rng: np.random.Generator, cut: Cut, paint: str) -> Marks:
    depth = rng.uniform(0.8, 1.6) * cut.neck
    front = bend((cut.neck, 0), (cut.neck * 0.95, depth), (0, depth))
    edge = path(front, mirrored(front)[::-1])
    return (
        Shape(COLLAR_BACK, ribbon(_back_edge(cut.neck), 3.5), paint, 0.8),
        Shape(OPENING, path(_back_edge(cut.neck), edge), "opening"),
        Shape(COLLAR, ribbon(edge, rng.uniform(3.5, 5)), paint, 0.9),
    )


def _v_neck(rng: np.random.Generator, cut: Cut, paint: str) -> Marks:
    depth = rng.uniform(1.7, 2.7) * cut.neck
    front = bend((cut.neck, 0), (cut.neck * 0.6, depth * 0.55), (0, depth))
    band = ribbon(front, rng.uniform(3.5, 5))
    return (
        Shape(COLLAR_BACK, ribbon(_back_edge(cut.neck), 3.5), paint, 0.8),
        Shape(OPENING, path(_back_edge(cut.neck), front, mirrored(front)[::-1]), "opening"),
        Shape(COLLAR, band, paint, 0.9),
        Shape(COLLAR, mirrored(band), paint, 0.9),
    )


def _collar(rng: np.random.Generator, cut: Cut, paint: str) -> Marks:
    neck, depth = cut.neck, rng.uniform(0.7, 1.5) * cut.neck
    tip = (neck * rng.uniform(0.85, 1.15), depth + rng.uniform(5, 9))
    flap = path((neck * 0.75, -7), (neck + 3, 0), tip, (0.8, depth), (neck * 0.7, 1))
    band = path(bend((-neck * 0.8, -6), (0, -3), (neck * 0.8, -6)), (neck, 3), (-neck, 3))
    gap = symmetric(points((neck * 0.75, 0), (0, depth)))
    return (
        Shape(COLLAR_BACK, band, paint, 0.72),
        Shape(OPENING, gap, "opening"),
        Shape(COLLAR, flap, paint, 1.04),
        Shape(COLLAR, mirrored(flap), paint, 1.04),
    )


def _hood(rng: np.random.Generator, cut: Cut, paint: str) -> Marks:
    height, width = rng.uniform(30, 40), cut.neck + rng.uniform(8, 12)
    side = path(
        bend((0, -height), (width, -height), (width, -height * 0.4)),
        bend((width, -height * 0.4), (width, 2), (cut.neck * 0.8, 12)),
        (0, 16),
    )
    cord = bend((cut.neck * 0.5, 11), (cut.neck * 0.5, 24), (cut.neck * 0.6, 36))
    inside = ellipse((0, -height * 0.42), (width * 0.66, height * 0.46))
    return (
        Shape(COLLAR, symmetric(side), paint, 0.94),
        Shape(OPENING, inside, "opening"),
        Seam(path((0, 4), (0, 15))),
        Seam(cord, "cord", 1.5),
        Seam(mirrored(cord), "cord", 1.5),
    )


_NECKLINES: dict[str, Callable[[np.random.Generator, Cut, str], Marks]] = {
    "round": _round_neck,
    "v": _v_neck,
    "collar": _collar,
    "hood": _hood,
}


def neckline(rng: np.random.Generator, facets: Facets, cut: Cut) -> Marks:
    """The shapes of the product's neckline, some in a second colour."""
    paint = "second" if rng.random() < 0.25 else "fabric"
    return _NECKLINES[facets.neckline](rng, cut, paint)
