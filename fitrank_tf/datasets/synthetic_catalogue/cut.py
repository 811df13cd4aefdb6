"""The cut of an upper garment: the measures that determine its outline."""

from dataclasses import dataclass, replace

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.article_types import BOYS, GIRLS, WOMEN
from fitrank_tf.datasets.synthetic_catalogue.facets import Facets

_SLEEVE_LENGTH = {"sleeveless": 0.0, "short": 30.0, "three-quarter": 64.0, "long": 98.0}


@dataclass(frozen=True)
class Cut:
    """Measures in garment units; the neck points are at y = 0.

    Attributes:
        neck, shoulder, chest, waist, hem: half widths.
        shoulder_y, armpit_y, waist_y, hem_y: heights, downwards.
        sleeve_length: from the shoulder to the cuff, 0 without sleeves.
        sleeve_angle: radians away from hanging straight down.
        cuff: width of the sleeve's end.
    """

    neck: float
    shoulder: float
    chest: float
    waist: float
    hem: float
    shoulder_y: float
    armpit_y: float
    waist_y: float
    hem_y: float
    sleeve_length: float
    sleeve_angle: float
    cuff: float


@dataclass(frozen=True)
class Proportions:
    """Ranges of the measures of an article type, for unisex adult sizes.

    Attributes:
        hem_y: range of the height of the hem.
        waist, hem: range of the half width, relative to that of the chest.
        ease: width of chest, shoulder and sleeves relative to a T-shirt.
    """

    hem_y: tuple[float, float]
    waist: tuple[float, float]
    hem: tuple[float, float]
    ease: float = 1.0


PROPORTIONS: dict[str, Proportions] = {
    "Tshirts": Proportions((112, 126), (0.93, 1.0), (0.95, 1.05)),
    "Shirts": Proportions((120, 134), (0.92, 1.0), (0.97, 1.06)),
    "Kurtas": Proportions((165, 200), (0.9, 1.0), (1.1, 1.35)),
    "Sweatshirts": Proportions((112, 124), (1.0, 1.08), (0.9, 1.0), ease=1.1),
    "Jackets": Proportions((108, 126), (0.95, 1.05), (0.9, 1.05), ease=1.14),
    "Dresses": Proportions((175, 225), (0.72, 0.85), (1.3, 2.1), ease=0.95),
}
# Where a garment of a length ends, below the neck points. Its wearer has the hip bone at
# 95, the knee at 195 and the floor at 285.
HEMS: dict[str, tuple[float, float]] = {
    "cropped": (68, 84),
    "hip": (104, 122),
    "thigh": (136, 172),
    "knee": (184, 204),
    "calf": (218, 248),
    "ankle": (262, 278),
}
# Of a fit: ranges of waist and hem, relative to the chest, and the ease.
_FITS: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "slim": ((0.74, 0.84), (0.86, 0.96), 0.92),
    "regular": ((0.93, 1.0), (0.97, 1.08), 1.0),
    "loose": ((1.03, 1.12), (1.2, 1.5), 1.2),
}


def _proportions(facets: Facets) -> Proportions:
    """The proportions of the article type, unless length and fit set others."""
    usual = PROPORTIONS[facets.article.name]
    if facets.length:
        usual = replace(usual, hem_y=HEMS[facets.length])
    if facets.fit:
        waist, hem, ease = _FITS[facets.fit]
        usual = replace(usual, waist=waist, hem=hem, ease=usual.ease * ease)
    return usual


def _sleeve_angle(rng: np.random.Generator, sleeve: str) -> float:
    """A random sleeve angle; short sleeves stick out more than long ones."""
    low, high = (0.5, 0.85) if sleeve == "short" else (0.2, 0.5)
    return rng.uniform(low, high)


def random_cut(rng: np.random.Generator, facets: Facets) -> Cut:
    """A random cut of an upper garment or dress of the given facets."""
    proportions = _proportions(facets)
    female, child = facets.gender in (WOMEN, GIRLS), facets.gender in (BOYS, GIRLS)
    chest = proportions.ease * rng.uniform(35, 39) * (0.93 if female else 1.0)
    shoulder = chest * rng.uniform(0.98, 1.06)
    if facets.sleeve == "sleeveless":
        shoulder *= 0.78
    # Children are short for their width, but a length says where it ends on the wearer.
    length = rng.uniform(*proportions.hem_y) * (
        0.84 if child and not facets.length else 1.0
    )
    cuffs = {"short": (25, 33), "three-quarter": (17, 24), "long": (12, 18)}
    shaped = 0.85 if female and not facets.fit else 1.0
    return Cut(
        neck=rng.uniform(12, 16) * (1.1 if female else 1.0),
        shoulder=shoulder,
        chest=chest,
        waist=chest * rng.uniform(*proportions.waist) * shaped,
        hem=chest * rng.uniform(*proportions.hem),
        shoulder_y=rng.uniform(7, 11),
        armpit_y=rng.uniform(40, 47),
        # That of a cropped garment ends above the waist.
        waist_y=min(82.0 * (0.9 if child else 1.0), 0.82 * length),
        hem_y=length,
        sleeve_length=_SLEEVE_LENGTH[facets.sleeve] * rng.uniform(0.92, 1.08),
        sleeve_angle=_sleeve_angle(rng, facets.sleeve),
        cuff=rng.uniform(*cuffs.get(facets.sleeve, (0, 1))) * proportions.ease,
    )
