"""The person who wears a garment: skin, hair and plain clothes, without boxes."""

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.article_types import GIRLS, WOMEN
from fitrank_tf.datasets.synthetic_catalogue.cut import Cut
from fitrank_tf.datasets.synthetic_catalogue.facets import Facets
from fitrank_tf.datasets.synthetic_catalogue.shapes import (
    WEARER,
    Points,
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

# Height of the floor below neck and waist, in garment units.
_FLOOR_BELOW_NECK, _FLOOR_BELOW_WAIST = 285.0, 195.0


def _arm(rng: np.random.Generator, cut: Cut) -> Points:
    """The right arm from the shoulder to the hand, along the sleeve."""
    angle = cut.sleeve_angle if cut.sleeve_length > 40 else rng.uniform(0.12, 0.4)
    x, y = cut.chest - 7, cut.shoulder_y + 12
    length = rng.uniform(100, 112)
    elbow = (x + np.sin(angle) * length * 0.55, y + np.cos(angle) * length * 0.5)
    hand = (x + np.sin(angle) * length, y + np.cos(angle) * length)
    return ribbon(path((x - 3, y - 6), bend((x, y), elbow, hand)), 13)


def _head(rng: np.random.Generator, female: bool) -> tuple[Shape, ...]:
    """Neck, face and hair above the neck points at y = 0."""
    hair_length = rng.uniform(-8, 20) if female else -44
    hair = path(
        ellipse((0, -42), (21, 25), 180, 360), (22, hair_length), (-22, hair_length)
    )
    return (
        Shape(WEARER, hair, "hair"),
        Shape(WEARER, box(-9, -26, 9, 20), "skin", 0.88),
        Shape(WEARER, ellipse((0, -37), (17, 22)), "skin"),
        Shape(WEARER, ellipse((0, -53), (17.5, 10), 180, 360), "hair"),
    )


def _legs(
    top: float, floor: float, ankle: tuple[float, float], paint: str
) -> tuple[Shape, ...]:
    """Both legs with shoes.

    Args:
        top, floor: heights of the legs' upper and lower end.
        ankle: x of a leg's inner and outer side, the same at all heights.
        paint: name of the paint, "skin" or "trousers".
    """
    inner, outer = ankle
    leg = box(inner, top, outer, floor)
    foot = ellipse(((inner + outer) / 2 + 1, floor), ((outer - inner) / 2 + 3, 7))
    return (
        Shape(WEARER, leg, paint, 0.95),
        Shape(WEARER, mirrored(leg), paint, 0.9),
        Shape(WEARER, foot, "shoes"),
        Shape(WEARER, mirrored(foot), "shoes"),
    )


def wearer_of_upper(
    rng: np.random.Generator, facets: Facets, cut: Cut
) -> tuple[Shape, ...]:
    """Head, arms and legs; in trousers unless the garment is a dress."""
    arm = _arm(rng, cut)
    floor = max(_FLOOR_BELOW_NECK, cut.hem_y + 14)
    if facets.article.name == "Dresses":
        legs = _legs(cut.hem_y - 22, floor, (5, 20), "skin")
    else:
        legs = _legs(cut.hem_y - 22, floor, (2, 27), "trousers")
    shoulder, side = (cut.chest - 3, cut.shoulder_y + 5), (cut.chest - 6, cut.armpit_y)
    chest = points((0, -2), (cut.neck, 2), shoulder, side, (0, cut.armpit_y))
    return (
        Shape(WEARER, arm, "skin"),
        Shape(WEARER, mirrored(arm), "skin", 0.96),
        *legs,
        Shape(WEARER, symmetric(chest), "skin"),
        *_head(rng, facets.gender in (WOMEN, GIRLS)),
    )


def wearer_of_lower(
    rng: np.random.Generator,
    facets: Facets,
    waist: float,
    hem_y: float,
    ankle: tuple[float, float],
) -> tuple[Shape, ...]:
    """A person in a plain top, for a garment whose waist is at y = 0.

    Args:
        rng: draws the measures.
        facets: facets of the garment.
        waist: half width of the garment's waist.
        hem_y: height of the garment's lower end.
        ankle: x of a leg's inner and outer side below the hem.
    """
    half = waist + rng.uniform(8, 13)
    arm = ribbon(bend((half - 5, -98), (half + 22, -40), (half + 12, 14)), 12)
    torso = path(
        (0, -112), (12, -112), (half, -103), (half - 3, -70), (waist + 1, 3), (0, 3)
    )
    return (
        *moved(_head(rng, facets.gender in (WOMEN, GIRLS)), 0, -110),
        Shape(WEARER, arm, "skin"),
        Shape(WEARER, mirrored(arm), "skin"),
        Shape(WEARER, symmetric(torso), "shirt"),
        *_legs(hem_y - 10, max(_FLOOR_BELOW_WAIST, hem_y + 9), ankle, "skin"),
    )
