"""Draws a product of the catalogue from a seed and its index."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.backdrop import random_backdrop
from fitrank_tf.datasets.synthetic_catalogue.facets import Facets, random_facets
from fitrank_tf.datasets.synthetic_catalogue.garments import random_garment
from fitrank_tf.datasets.synthetic_catalogue.paints import random_paints
from fitrank_tf.datasets.synthetic_catalogue.photo import SUPERSAMPLING, Photo, take_photo
from fitrank_tf.datasets.synthetic_catalogue.pose import random_pose
from fitrank_tf.datasets.synthetic_catalogue.shapes import (
    BODY,
    COLLAR,
    COLLAR_BACK,
    LEFT_SLEEVE,
    OPENING,
    RIGHT_SLEEVE,
    Garment,
)
from fitrank_tf.datasets.synthetic_catalogue.titles import write_title

# Pixels; portrait format, as in shops.
HEIGHT, WIDTH = 224, 168
# Share of clothes that are photographed on a person.
_WORN_SHARE = 0.5


@dataclass(frozen=True)
class Box:
    """A labelled box in the photo.

    Attributes:
        label: one of `item.OBJECT_CLASSES`.
        ymin, xmin, ymax, xmax: in 0..1 of the image, as in TFDS' `BBox`.
    """

    label: str
    ymin: float
    xmin: float
    ymax: float
    xmax: float


@dataclass(frozen=True)
class Listing:
    """A product without its photo.

    Attributes:
        id: such as "syn-000123".
        text: the title.
        facets: the facets of the product.
    """

    id: str
    text: str
    facets: Facets


@dataclass(frozen=True)
class Product:
    """One product with its photo.

    Attributes:
        id: such as "syn-000123".
        image: uint8 [224, 168, 3], RGB.
        text: the title.
        attributes: {attribute: value}; length and fit only where they vary and show.
        boxes: of the garment, then of its sleeves and its neckline.
    """

    id: str
    image: np.ndarray
    text: str
    attributes: dict[str, str]
    boxes: tuple[Box, ...]


def _write_listing(rng: np.random.Generator, index: int, more: Collection[str]) -> Listing:
    facets = random_facets(rng, more)
    return Listing(f"syn-{index:06d}", write_title(rng, facets), facets)


def write_listing(seed: int, index: int, more: Collection[str] = ()) -> Listing:
    """Product `index` of the catalogue of `seed` without its photo, 100 times faster."""
    return _write_listing(np.random.default_rng([seed, index]), index, more)


def measure_box(label: str, mask: np.ndarray) -> Box:
    """The bounding box of a mask.

    Args:
        label: label of the box.
        mask: bool [H, W], not empty.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    return Box(
        label,
        ymin=float(rows[0] / height),
        xmin=float(columns[0] / width),
        ymax=float((rows[-1] + 1) / height),
        xmax=float((columns[-1] + 1) / width),
    )


def _boxes(photo: Photo, facets: Facets, worn: bool) -> tuple[Box, ...]:
    """Boxes of all visible parts: the garment, each sleeve, the neckline.

    The neck hole always belongs to the neckline. It belongs to the garment only if nobody
    wears it: otherwise skin is visible in the hole.
    """
    masks = photo.masks
    collar = masks[COLLAR] | masks[COLLAR_BACK]
    neckline = collar | masks[OPENING]
    garment = masks[BODY] | masks[LEFT_SLEEVE] | masks[RIGHT_SLEEVE] | collar
    if not worn:
        garment = garment | masks[OPENING]
    parts = (
        (facets.article.product_class, garment),
        ("sleeve", masks[LEFT_SLEEVE]),
        ("sleeve", masks[RIGHT_SLEEVE]),
        ("neckline", neckline),
    )
    return tuple(measure_box(label, mask) for label, mask in parts if mask.any())


def _is_worn(rng: np.random.Generator, garment: Garment, facets: Facets) -> bool:
    # A raised hood would have to enclose the head; such garments are laid flat.
    return bool(garment.wearer) and facets.neckline != "hood" and rng.random() < _WORN_SHARE


def draw_photo(rng: np.random.Generator, facets: Facets) -> tuple[Photo, tuple[Box, ...]]:
    """A random photo of a product with these facets, and its boxes."""
    garment = random_garment(rng, facets)
    worn = _is_worn(rng, garment, facets)
    pose = random_pose(rng, garment, worn, HEIGHT, WIDTH)
    # The diagonal of the canvas, so that rotated cloth still covers it.
    side = int(np.ceil(SUPERSAMPLING * np.hypot(HEIGHT, WIDTH)))
    paints = random_paints(rng, facets, side)
    marks = garment.marks
    if worn:
        paints["opening"] = paints["skin"]
        marks = garment.put_on()
    photo = take_photo(rng, marks, pose, paints, random_backdrop(rng, HEIGHT, WIDTH))
    return photo, _boxes(photo, facets, worn)


def draw_product(seed: int, index: int, more: Collection[str] = ()) -> Product:
    """Product `index` of the catalogue of `seed`.

    The product depends on these alone, not on the size of the catalogue or on the
    products drawn before.

    Args:
        seed: seed of the catalogue, 0 or above.
        index: number of the product, counted from 0.
        more: facets of `facets.MORE_FACETS` that vary too.
    """
    rng = np.random.default_rng([seed, index])
    listing = _write_listing(rng, index, more)
    photo, boxes = draw_photo(rng, listing.facets)
    attributes = listing.facets.attributes()
    return Product(listing.id, photo.image, listing.text, attributes, boxes)
