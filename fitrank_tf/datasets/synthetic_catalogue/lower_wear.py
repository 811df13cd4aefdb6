"""Jeans, trousers, shorts and skirts."""

from collections.abc import Callable

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.article_types import BOYS, GIRLS, WOMEN
from fitrank_tf.datasets.synthetic_catalogue.facets import Facets
from fitrank_tf.datasets.synthetic_catalogue.shapes import (
    BODY,
    Garment,
    Marks,
    Seam,
    Shape,
    bend,
    box,
    ellipse,
    mirrored,
    path,
    points,
    symmetric,
)
from fitrank_tf.datasets.synthetic_catalogue.wearer import wearer_of_lower

# Where a garment of a length ends, below the waist; its wearer has the knee at 107 and the
# floor at 195.
HEMS: dict[str, tuple[float, float]] = {
    "thigh": (68, 90),
    "knee": (100, 114),
    "calf": (132, 156),
    "ankle": (172, 184),
}
# The ends of a leg's hem: ranges of its inner and its outer x.
_LEGS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "slim": ((6, 8), (19, 21)),
    "regular": ((4, 7), (26, 30)),
    "loose": ((1, 4), (39, 48)),
}
# Of shorts: how far the hem lies outside the hip.
_OUTSIDE_HIP: dict[str, tuple[float, float]] = {
    "slim": (-5, -2),
    "regular": (3, 7),
    "loose": (14, 20),
}
# Of a skirt: its hem relative to the waist, and how much wider it gets with its length.
_FLARE: dict[str, tuple[tuple[float, float], float]] = {
    "slim": ((1.25, 1.35), -0.02),
    "regular": ((1.4, 1.55), 0.04),
    "loose": ((1.5, 1.8), 0.3),
}


def _waistband(waist: float, height: float, paint: str) -> Marks:
    """The band with belt loops, from y = 0 downwards."""
    loops = [
        Shape(BODY, box(x - 1.2, 0, x + 1.2, height), shade=0.7)
        for x in (-waist * 0.6, waist * 0.6)
    ]
    band = box(-waist, 0, waist, height)
    return Shape(BODY, band, paint, 0.86), *loops


def _two_legs(waist: float, hip: float, hem: tuple[float, float], length: float) -> Shape:
    """The outline of trousers; `hem` is the x of a leg's inner and outer end."""
    inner, outer = hem
    right = path(
        (0, 0),
        (waist, 0),
        bend((waist, 0), (hip, 20), (hip, 45)),
        bend((hip, 45), ((hip + outer) / 2 + 1, length * 0.5), (outer, length)),
        (inner, length + 1),
        bend((inner, length), (inner * 0.5 + 2, length * 0.6), (0.6, 58)),
    )
    return Shape(BODY, symmetric(right))


def _front_pockets(waist: float, hip: float, paint: str) -> Marks:
    """Curved pocket edges."""
    pocket = bend((waist * 0.55, 9), (waist * 0.65, 24), (hip - 2, 26))
    return Seam(pocket, paint, 1.0), Seam(mirrored(pocket), paint, 1.0)


def _fly(paint: str) -> Marks:
    return (
        Seam(path((0, 8), (0, 57))),
        Seam(bend((5, 9), (5, 38), (0, 42)), paint),
        Shape(BODY, ellipse((0, 4), (1.8, 1.8), steps=12), "metal"),
    )


def _fit(rng: np.random.Generator, facets: Facets) -> tuple[float, float]:
    """Half widths of waist and hip."""
    waist = rng.uniform(26, 30)
    return waist, waist * (1.32 if facets.gender in (WOMEN, GIRLS) else 1.17)


def _trouser_length(rng: np.random.Generator, facets: Facets) -> float:
    if facets.length:
        return rng.uniform(*HEMS[facets.length])
    return rng.uniform(165, 190) * (0.82 if facets.gender in (BOYS, GIRLS) else 1.0)


def _jeans(rng: np.random.Generator, facets: Facets) -> Garment:
    (waist, hip), length = _fit(rng, facets), _trouser_length(rng, facets)
    inner, outer = _LEGS.get(facets.fit, ((4, 9), (22, 32)))
    hem = (rng.uniform(*inner), rng.uniform(*outer))
    # Faded thighs.
    fade = ellipse(((hem[0] + hip) / 2 - 1, length * 0.42), (6, length * 0.2))
    rolled = points((hem[0] + 1, length - 8), (hem[1] - 1, length - 8))
    marks = (
        _two_legs(waist, hip, hem, length),
        Shape(BODY, fade, "faded"),
        Shape(BODY, mirrored(fade), "faded"),
        *_waistband(waist, 8, "fabric"),
        *_front_pockets(waist, hip, "stitch"),
        *_fly("stitch"),
        Seam(rolled, "stitch"),
        Seam(mirrored(rolled), "stitch"),
    )
    return Garment(
        marks, wearer_of_lower(rng, facets, waist, length, (hem[0] + 3, hem[0] + 13))
    )


def _trousers(rng: np.random.Generator, facets: Facets) -> Garment:
    (waist, hip), length = _fit(rng, facets), _trouser_length(rng, facets)
    inner, outer = _LEGS.get(facets.fit, ((4, 8), (24, 30)))
    hem = (rng.uniform(*inner), rng.uniform(*outer))
    crease = points((hip * 0.5, 26), (sum(hem) / 2, length - 3))
    marks = (
        _two_legs(waist, hip, hem, length),
        *_waistband(waist, 8, "fabric"),
        *_front_pockets(waist, hip, "seam"),
        *_fly("seam"),
        Seam(crease, width=1.2),
        Seam(mirrored(crease), width=1.2),
    )
    return Garment(
        marks, wearer_of_lower(rng, facets, waist, length, (hem[0] + 3, hem[0] + 13))
    )


def _shorts(rng: np.random.Generator, facets: Facets) -> Garment:
    waist, hip = _fit(rng, facets)
    length = rng.uniform(*HEMS.get(facets.length, (78, 112)))
    outside = _OUTSIDE_HIP.get(facets.fit, (3, 10))
    hem = (rng.uniform(3, 5), hip + rng.uniform(*outside))
    marks = (
        _two_legs(waist, hip, hem, length),
        *_waistband(waist, 9, "second" if facets.usage == "Sports" else "fabric"),
        *_front_pockets(waist, hip, "seam"),
        *_fly("seam"),
    )
    if facets.usage == "Sports":
        strip = points(
            (hip - 4, 40), (hip, 40), (hem[1], length - 1), (hem[1] - 6, length - 1)
        )
        marks += (Shape(BODY, strip, "second"), Shape(BODY, mirrored(strip), "second"))
    return Garment(marks, wearer_of_lower(rng, facets, waist, length, (4, 23)))


def _skirt(rng: np.random.Generator, facets: Facets) -> Garment:
    waist, length = rng.uniform(24, 28), rng.uniform(*HEMS.get(facets.length, (75, 150)))
    flare, widening = _FLARE.get(facets.fit, ((1.35, 1.75), 0.2))
    hem = waist * rng.uniform(*flare) + length * widening
    drop = rng.uniform(3, 9)
    right = path(
        (0, 0),
        (waist, 0),
        bend((waist, 0), (waist * 1.4, length * 0.3), (hem, length)),
        bend((hem, length), (hem * 0.5, length + drop), (0, length + drop)),
    )
    pleats = [
        Seam(points((waist * share, 10), (hem * share, length)), width=1.1)
        for share in np.linspace(-0.8, 0.8, rng.integers(4, 9))
    ]
    band = Shape(BODY, box(-waist, 0, waist, 7), "fabric", 0.82)
    return Garment(
        (Shape(BODY, symmetric(right)), *pleats, band),
        wearer_of_lower(rng, facets, waist, length, (4, 23)),
    )


_LOWER: dict[str, Callable[[np.random.Generator, Facets], Garment]] = {
    "Jeans": _jeans,
    "Trousers": _trousers,
    "Shorts": _shorts,
    "Skirts": _skirt,
}
LOWER_WEAR: tuple[str, ...] = tuple(_LOWER)


def lower_wear(rng: np.random.Generator, facets: Facets) -> Garment:
    """A random garment for the legs, with a person who may wear it."""
    return _LOWER[facets.article.name](rng, facets)
