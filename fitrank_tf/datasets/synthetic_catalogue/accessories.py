"""Shoes, handbags, sunglasses, watches, caps, belts and ties."""

from collections.abc import Callable

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.article_types import WOMEN
from fitrank_tf.datasets.synthetic_catalogue.facets import Facets, choose
from fitrank_tf.datasets.synthetic_catalogue.shapes import (
    BODY,
    Garment,
    Marks,
    Point,
    Points,
    Seam,
    Shape,
    bend,
    box,
    ellipse,
    mirrored,
    moved,
    path,
    points,
    ribbon,
    symmetric,
)


def _shoe(rng: np.random.Generator) -> Marks:
    """A shoe from the side with the toe to the left."""
    ankle, sole = rng.uniform(-38, -22), rng.uniform(6, 11)
    upper = path(
        bend((60, 14), (64, ankle * 0.3), (58, ankle)),
        bend((58, ankle), (42, ankle + 10), (22, ankle + 1)),
        bend((22, ankle + 1), (-5, -8), (-34, -2)),
        bend((-34, -2), (-64, 1), (-66, 16)),
    )
    base = path(
        (-68, 13),
        (62, 13),
        bend((63, 13), (65, 13 + sole), (58, 13 + sole)),
        bend((-58, 13 + sole), (-70, 13 + sole), (-68, 13)),
    )
    toe = path(bend((-38, -1), (-64, 1), (-66, 15)), bend((-40, 15), (-34, 8), (-38, -1)))
    heel = path((60, 13), bend((62, 10), (63, ankle * 0.4), (59, ankle + 6)), (44, 13))
    laces = [
        Seam(points((x, y), (x + 9, y + 9)), "cord", 2.2)
        for x, y in zip(np.linspace(-26, 10, 5), np.linspace(-4, ankle * 0.55, 5))
    ]
    lining = path(
        bend((56, ankle + 1), (42, ankle + 10), (24, ankle + 2)),
        bend((24, ankle + 2), (42, ankle + 3), (56, ankle + 1)),
    )
    return (
        Shape(BODY, upper),
        Shape(BODY, toe, choose(rng, ("fabric", "cord", "second")), 0.9),
        Shape(BODY, heel, choose(rng, ("fabric", "second")), 0.86),
        Shape(BODY, lining, "lining"),
        *laces,
        Shape(BODY, base, choose(rng, ("cord", "cord", "second", "leather"))),
        Seam(points((-64, 13 + sole * 0.5), (60, 13 + sole * 0.5))),
    )


def _shoes(rng: np.random.Generator, facets: Facets) -> Garment:
    shoe = _shoe(rng)
    if rng.random() < 0.5:
        return Garment(shoe)
    shapes = (mark for mark in shoe if isinstance(mark, Shape))
    behind = moved(shapes, rng.uniform(6, 16), rng.uniform(-34, -22))
    return Garment((*behind, *shoe))


def _handbag(rng: np.random.Generator, facets: Facets) -> Garment:
    top, bottom = rng.uniform(34, 50), rng.uniform(44, 58)
    height, rise = rng.uniform(52, 84), rng.uniform(36, 70)
    body = symmetric(
        path(
            (0, 0),
            (top, 0),
            bend((top, 0), (bottom, height * 0.5), (bottom, height - 8)),
            bend((bottom, height - 8), (bottom, height), (bottom - 8, height)),
            (0, height),
        )
    )
    grip = top * rng.uniform(0.45, 0.7)
    arc = path(
        bend((-grip, 8), (-grip, -rise), (0, -rise)),
        bend((0, -rise), (grip, -rise), (grip, 8)),
    )
    back = Shape(BODY, ribbon(arc + (4, -4), 5), shade=0.7)
    front = Shape(
        BODY, ribbon(arc, 5.5), "leather" if rng.random() < 0.4 else "fabric", 0.85
    )
    rings = [Shape(BODY, ellipse((x, 9), (4, 4), steps=14), "metal") for x in (-grip, grip)]
    flap = symmetric(
        path(
            (0, 0),
            (top, 0),
            bend((top, height * 0.3), (top, height * 0.48), (0, height * 0.5)),
        )
    )
    fastenings: tuple[Marks, ...] = (
        (
            Shape(BODY, flap, shade=0.92),
            Shape(BODY, box(-5, height * 0.42, 5, height * 0.42 + 9), "metal"),
        ),
        (
            Seam(points((-top + 4, 7), (top - 4, 7)), "zip", 2.2),
            Shape(
                BODY, box(-bottom * 0.6, height * 0.5, bottom * 0.6, height - 8), shade=0.93
            ),
        ),
    )
    fastening = fastenings[rng.integers(len(fastenings))]
    return Garment((back, Shape(BODY, body), *fastening, front, *rings))


def _lens(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    """Radii and power of a lens (see `_squircle`), from round to wayfarer shape."""
    return (rng.uniform(24, 29), rng.uniform(17, 25)), rng.uniform(0.45, 1.0)


def _squircle(centre: Point, radii: Point, power: float) -> Points:
    """A superellipse: `power` 1 is an ellipse, smaller is squarer."""
    unit = ellipse((0, 0), (1, 1), steps=48)
    return np.asarray(centre) + np.sign(unit) * np.abs(unit) ** power * radii


def _sunglasses(rng: np.random.Generator, facets: Facets) -> Garment:
    radii, power = _lens(rng)
    rim, centre = rng.uniform(2.5, 5.5), (33.0, 0.0)
    outer = (radii[0] + rim, radii[1] + rim)
    frame = _squircle(centre, outer, power)
    glass = _squircle(centre, radii, power)
    end = centre[0] + outer[0]
    temple = path(
        bend((end - 4, -8), (end + 8, -14), (end + 4, -34)), (end - 1, -33), (end - 8, -4)
    )
    glint = ribbon(bend((22, -8), (26, -11), (34, -11)), 2.5)
    bridge = ribbon(bend((-8, -6), (0, -14), (8, -6)), rim + 1)
    return Garment(
        (
            *(Shape(BODY, place(temple), shade=0.75) for place in (mirrored, np.asarray)),
            Shape(BODY, bridge),
            *(Shape(BODY, place(frame)) for place in (mirrored, np.asarray)),
            *(Shape(BODY, place(glass), "glass") for place in (mirrored, np.asarray)),
            *(Shape(BODY, glint + (dx, 0), "glass", 1.8) for dx in (-66, 0)),
        )
    )


def _hand(angle: float, length: float) -> Seam:
    """A hand of a watch, pointing `angle` radians past twelve."""
    return Seam(
        points((0, 0), (length * np.sin(angle), -length * np.cos(angle))), "hand", 2.0
    )


def _watch(rng: np.random.Generator, facets: Facets) -> Garment:
    radius = rng.uniform(20, 25) if facets.gender == WOMEN else rng.uniform(25, 32)
    radii, power = (radius, radius * rng.uniform(0.95, 1.15)), rng.choice([1.0, 1.0, 0.45])
    root, tip = radius * 0.66, radius * rng.uniform(0.45, 0.6)
    strap = symmetric(
        path((0, -88), bend((tip - 3, -88), (tip, -88), (tip, -84)), (root, 0))
    )
    lower = strap * (1, -1)
    marks = [
        Seam(
            0.85
            * radius
            * points((np.sin(a), -np.cos(a)), (0.82 * np.sin(a), -0.82 * np.cos(a))),
            "hand",
            1.6,
        )
        for a in np.arange(12) * np.pi / 6
    ]
    holes = [
        Shape(BODY, ellipse((0, y), (1.3, 1.3), steps=8), "hand") for y in (60, 68, 76)
    ]
    return Garment(
        (
            Shape(BODY, strap),
            Shape(BODY, lower),
            *holes,
            Shape(BODY, box(radius - 1, -3.5, radius + 5, 3.5), "metal", 0.85),
            Shape(BODY, _squircle((0, 0), radii, power), "metal"),
            Shape(BODY, _squircle((0, 0), np.multiply(radii, 0.86), power), "dial"),
            *marks,
            _hand(rng.uniform(0, 2 * np.pi), radius * 0.45),
            _hand(rng.uniform(0, 2 * np.pi), radius * 0.65),
        )
    )


def _cap(rng: np.random.Generator, facets: Facets) -> Garment:
    """A cap in three-quarter view with the brim to the left."""
    height = rng.uniform(46, 58)
    dome = path(
        bend((-46, 6), (-48, -height), (4, -height)),
        bend((4, -height), (54, -height), (52, 10)),
        bend((52, 10), (10, 22), (-46, 6)),
    )
    brim = path(
        bend((-46, 4), (-84, 12), (-82, 24)),
        bend((-82, 24), (-36, 10), (24, 20)),
        bend((24, 20), (-10, 6), (-46, 4)),
    )
    paint = "second" if rng.random() < 0.35 else "fabric"
    return Garment(
        (
            Shape(BODY, dome),
            Seam(bend((4, -height + 1), (-22, -height * 0.5), (-16, 10)), width=1.1),
            Seam(bend((4, -height + 1), (34, -height * 0.5), (30, 14)), width=1.1),
            Shape(BODY, ellipse((4, -height), (5, 2.5), steps=16), paint, 0.9),
            Shape(BODY, brim, paint, 0.85),
            Seam(bend((-76, 20), (-38, 8), (6, 14)), "stitch"),
        )
    )


def _belt(rng: np.random.Generator, facets: Facets) -> Garment:
    """A coiled and buckled belt, seen from slightly above."""
    width, radii = rng.uniform(14, 22), (66.0, rng.uniform(14, 22))
    back = path(ellipse((0, 0), radii, 180, 360), ellipse((0, width), radii, 360, 180))
    front = path(ellipse((0, 0), radii, 0, 180), ellipse((0, width), radii, 180, 0))
    y = radii[1]
    buckle = box(-13, y - 3, 11, y + width + 3)
    inside = box(-8, y + 1, 6, y + width - 1)
    loop = box(20, y - 2.5, 26, y + width + 0.5)
    return Garment(
        (
            Shape(BODY, back, "lining"),
            Shape(BODY, front),
            Seam(ellipse((0, 3), radii, 4, 176), "stitch"),
            Seam(ellipse((0, width - 3), radii, 4, 176), "stitch"),
            Shape(BODY, loop, shade=0.75),
            Shape(BODY, buckle, "metal"),
            Shape(BODY, inside, shade=0.8),
            Seam(points((-8, y + width / 2), (10, y + width / 2)), "zip", 2.0),
        )
    )


def _tie(rng: np.random.Generator, facets: Facets) -> Garment:
    blade, length = rng.uniform(15, 22), rng.uniform(170, 200)
    front = symmetric(points((0, 14), (6, 14), (blade, length - blade), (0, length)))
    knot = symmetric(points((0, -3), (11, -3), (7, 17), (0, 19)))
    loop = ribbon(
        path(bend((-8, 2), (-24, -28), (0, -32)), bend((0, -32), (24, -28), (8, 2))), 7
    )
    return Garment(
        (
            Shape(BODY, loop, shade=0.72),
            Shape(BODY, front * (0.75, 0.94) + (5, 0), shade=0.7),
            Shape(BODY, front),
            Shape(BODY, knot, shade=0.9),
        )
    )


_ACCESSORIES: dict[str, Callable[[np.random.Generator, Facets], Garment]] = {
    "Casual Shoes": _shoes,
    "Handbags": _handbag,
    "Sunglasses": _sunglasses,
    "Watches": _watch,
    "Caps": _cap,
    "Belts": _belt,
    "Ties": _tie,
}
ACCESSORIES: tuple[str, ...] = tuple(_ACCESSORIES)


def accessory(rng: np.random.Generator, facets: Facets) -> Garment:
    """A random product other than clothing, which nobody wears in the photo."""
    return _ACCESSORIES[facets.article.name](rng, facets)
