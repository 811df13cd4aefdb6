"""T-shirts, shirts, kurtas, sweatshirts, jackets and dresses."""

from collections.abc import Callable

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.cut import Cut, random_cut
from fitrank_tf.datasets.synthetic_catalogue.facets import Facets
from fitrank_tf.datasets.synthetic_catalogue.necklines import neckline
from fitrank_tf.datasets.synthetic_catalogue.shapes import (
    BODY,
    LEFT_SLEEVE,
    RIGHT_SLEEVE,
    Garment,
    Marks,
    Points,
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
from fitrank_tf.datasets.synthetic_catalogue.wearer import wearer_of_upper


def _armhole(cut: Cut) -> Points:
    """From the shoulder to the armpit, curved inwards, on the right."""
    inset = min(cut.shoulder, cut.chest) - 5
    shoulder, armpit = (cut.shoulder, cut.shoulder_y), (cut.chest, cut.armpit_y)
    return bend(shoulder, (inset, cut.armpit_y - 6), armpit)


def _body(cut: Cut, hem_drop: float) -> Shape:
    """The garment without sleeves; the middle of the hem is `hem_drop` lower."""
    waist = (cut.waist, cut.waist_y)
    right = path(
        bend((0, 3.5), (cut.neck * 0.6, 3.0), (cut.neck, 0)),
        _armhole(cut),
        bend(
            (cut.chest, cut.armpit_y), (cut.waist, (cut.armpit_y + cut.waist_y) / 2), waist
        ),
        bend(waist, (cut.waist, (cut.waist_y + cut.hem_y) / 2), (cut.hem, cut.hem_y)),
        bend(
            (cut.hem, cut.hem_y),
            (cut.hem * 0.5, cut.hem_y + hem_drop),
            (0, cut.hem_y + hem_drop),
        ),
    )
    return Shape(BODY, symmetric(right))


def _along_sleeve(cut: Cut, share: float, across: float) -> tuple[float, float]:
    """A point of the right sleeve.

    Args:
        share: 0 at the armhole, 1 at the cuff.
        across: -0.5 at the inner edge of the cuff, 0.5 at the outer.
    """
    down = np.array([np.sin(cut.sleeve_angle), np.cos(cut.sleeve_angle)])
    outward = np.array([down[1], -down[0]])
    root = np.array([cut.shoulder + cut.chest, cut.shoulder_y + cut.armpit_y]) / 2
    x, y = root + down * cut.sleeve_length * share + outward * cut.cuff * across
    return float(x), float(y)


def _sleeves(cut: Cut, cuff_paint: str, cuff_share: float) -> Marks:
    """Both sleeves, the last `cuff_share` of each painted as a cuff."""
    outer, inner = _along_sleeve(cut, 1, 0.5), _along_sleeve(cut, 1, -0.5)
    shoulder, armpit = (cut.shoulder, cut.shoulder_y - 0.5), (cut.chest - 1, cut.armpit_y)
    # The upper edge starts at the shoulder in the direction of the sleeve.
    head = np.add(
        shoulder, np.subtract(_along_sleeve(cut, 0.5, 0.2), _along_sleeve(cut, 0, 0))
    )
    right = path(
        (cut.shoulder - 8, cut.shoulder_y),
        bend(shoulder, head, outer),
        bend(inner, _along_sleeve(cut, 0.4, -0.6), armpit),
    )
    start = 1 - cuff_share
    cuff = points(
        _along_sleeve(cut, start, 0.52),
        outer,
        inner,
        _along_sleeve(cut, start, -0.5),
    )
    marks = []
    for role, place in ((LEFT_SLEEVE, mirrored), (RIGHT_SLEEVE, np.asarray)):
        marks += [
            Shape(role, place(right), shade=0.95),
            Shape(role, place(cuff), cuff_paint, 0.86),
        ]
    return tuple(marks)


def _button_line(cut: Cut, top: float, bottom: float, count: int) -> Marks:
    """A button placket with round buttons."""
    line = Seam(points((3.2, top), (3.2, bottom)))
    heights = np.linspace(top + 4, bottom - 5, count)
    return (
        line,
        *(Shape(BODY, ellipse((0, y), (1.5, 1.5), steps=10), "button") for y in heights),
    )


def _tshirt_details(rng: np.random.Generator, facets: Facets, cut: Cut) -> Marks:
    hem = Seam(points((-cut.hem + 2, cut.hem_y - 4), (cut.hem - 2, cut.hem_y - 4)))
    if facets.neckline == "collar":
        return hem, *_button_line(cut, cut.neck, cut.armpit_y, 2)
    if facets.usage == "Sports":
        return hem, *_side_panels(cut)
    return (hem,)


def _side_panels(cut: Cut) -> Marks:
    """The contrasting strips at the sides of sports wear."""
    right = path(
        (cut.chest - 0.5, cut.armpit_y + 1),
        (cut.waist - 0.5, cut.waist_y),
        (cut.hem - 1, cut.hem_y - 1),
        (cut.hem - 9, cut.hem_y - 1),
        (cut.waist - 7, cut.waist_y),
    )
    return Shape(BODY, right, "second"), Shape(BODY, mirrored(right), "second")


def _shirt_details(rng: np.random.Generator, facets: Facets, cut: Cut) -> Marks:
    marks = _button_line(cut, cut.neck, cut.hem_y, 6)
    if rng.random() < 0.6:
        x, y = cut.chest * 0.3, cut.armpit_y + 2
        marks += (Shape(BODY, box(x, y, x + 15, y + 17), shade=0.96),)
    return marks


def _kurta_details(rng: np.random.Generator, facets: Facets, cut: Cut) -> Marks:
    slit = rng.uniform(0.72, 0.82) * cut.hem_y
    side = points((cut.hem * 0.84, slit), (cut.hem * 0.9, cut.hem_y))
    marks: Marks = (Seam(side, width=1.2), Seam(mirrored(side), width=1.2))
    if rng.random() < 0.5:
        y = cut.hem_y - rng.uniform(6, 12)
        border = box(-cut.hem * 0.94, y, cut.hem * 0.94, cut.hem_y - 1)
        marks += (Shape(BODY, border, "second"),)
    if facets.neckline != "v":
        marks += _button_line(cut, cut.neck, cut.armpit_y + 20, 4)
    return marks


def _rib(cut: Cut) -> Shape:
    """The knitted band along a hem."""
    top = cut.hem_y - 9
    return Shape(BODY, box(-cut.hem + 0.5, top, cut.hem - 0.5, cut.hem_y), shade=0.84)


def _sweatshirt_details(rng: np.random.Generator, facets: Facets, cut: Cut) -> Marks:
    top, bottom = cut.waist_y - 6, cut.hem_y - 10
    half = cut.hem * 0.55
    pocket = symmetric(points((half * 0.7, top), (half, bottom - 8), (half, bottom)))
    if facets.neckline == "hood":
        return _rib(cut), Shape(BODY, pocket, shade=0.95)
    return (_rib(cut),)


def _jacket_details(rng: np.random.Generator, facets: Facets, cut: Cut) -> Marks:
    pocket = points(
        (cut.waist * 0.45, cut.waist_y + 14), (cut.waist * 0.75, cut.waist_y - 2)
    )
    panels = _side_panels(cut) if facets.usage == "Sports" else ()
    start = cut.neck if facets.neckline == "collar" else 16
    return (
        *panels,
        _rib(cut),
        Seam(points((0, start), (0, cut.hem_y - 1)), "zip", 2.2),
        Seam(pocket, width=1.8),
        Seam(mirrored(pocket), width=1.8),
    )


def _dress_details(rng: np.random.Generator, facets: Facets, cut: Cut) -> Marks:
    y, half = cut.waist_y, cut.waist + 0.5
    sash = box(-half, y - 3, half, y + rng.uniform(2, 6))
    pleats = []
    for share in np.linspace(-0.75, 0.75, rng.integers(3, 7)):
        line = points((cut.waist * share, y + 8), (cut.hem * share, cut.hem_y - 3))
        pleats.append(Seam(line, width=1.0))
    return Shape(BODY, sash, "second" if rng.random() < 0.5 else "fabric", 0.8), *pleats


_DETAILS: dict[str, Callable[[np.random.Generator, Facets, Cut], Marks]] = {
    "Tshirts": _tshirt_details,
    "Shirts": _shirt_details,
    "Kurtas": _kurta_details,
    "Sweatshirts": _sweatshirt_details,
    "Jackets": _jacket_details,
    "Dresses": _dress_details,
}
UPPER_WEAR: tuple[str, ...] = tuple(_DETAILS)


def upper_wear(rng: np.random.Generator, facets: Facets) -> Garment:
    """A random upper garment or dress, with a person who may wear it."""
    cut = random_cut(rng, facets)
    sleeves: Marks = ()
    if facets.sleeve != "sleeveless":
        cuff_paint = "second" if rng.random() < 0.2 else "fabric"
        sleeves = _sleeves(cut, cuff_paint, 0.07 if facets.sleeve == "long" else 0.1)
    armhole = Seam(_armhole(cut), width=1.2)
    marks = (
        *sleeves,
        _body(cut, hem_drop=rng.uniform(0, 7)),
        armhole,
        Seam(mirrored(armhole.line), width=1.2),
        *_DETAILS[facets.article.name](rng, facets, cut),
        *neckline(rng, facets, cut),
    )
    return Garment(marks, wearer_of_upper(rng, facets, cut))
