"""One product of the catalogue, drawn whole from a seed and its index."""

from dataclasses import dataclass

import numpy as np

from fitrank_tf.datasets.item import item_attributes
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

# Pixels: portrait, as shops photograph.
HEIGHT, WIDTH = 224, 168
# How many clothes are photographed on a person.
_WORN_SHARE = 0.5


@dataclass(frozen=True)
class Box:
    """Where a part of the photo is.

    Attributes:
        label: one of `OBJECT_CLASSES`.
        ymin, xmin, ymax, xmax: in 0..1 of the image, as TFDS `BBox` has them.
    """

    label: str
    ymin: float
    xmin: float
    ymax: float
    xmax: float


@dataclass(frozen=True)
class Listing:
    """What the shop knows of a product without its photo."""

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
        attributes: all of `ATTRIBUTES`.
        boxes: the garment's first, then its sleeves and its neckline.
    """

    id: str
    image: np.ndarray
    text: str
    attributes: dict[str, str]
    boxes: tuple[Box, ...]


def _write_listing(rng: np.random.Generator, index: int) -> Listing:
    facets = random_facets(rng)
    return Listing(f"syn-{index:06d}", write_title(rng, facets), facets)


def write_listing(seed: int, index: int) -> Listing:
    """Product `index` without its photo: a hundred times faster than drawing it."""
    return _write_listing(np.random.default_rng([seed, index]), index)


def measure_box(label: str, mask: np.ndarray) -> Box:
    """The extent of a mask that is not empty, bool [H, W]."""
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
    """Boxes of all that is seen: the garment, each sleeve, the neckline.

    The neck hole is part of the neckline in any case, and of the garment where
    its inside shows; where a person wears it, the hole shows skin.
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
    # A raised hood would have to go round the head; shops lay those flat.
    return bool(garment.wearer) and facets.neckline != "hood" and rng.random() < _WORN_SHARE


def draw_photo(rng: np.random.Generator, facets: Facets) -> tuple[Photo, tuple[Box, ...]]:
    """A photo of a product with these facets, and its boxes."""
    garment = random_garment(rng, facets)
    worn = _is_worn(rng, garment, facets)
    pose = random_pose(rng, garment, worn, HEIGHT, WIDTH)
    # The canvas's diagonal, so that turned cloth still covers it.
    side = int(np.ceil(SUPERSAMPLING * np.hypot(HEIGHT, WIDTH)))
    paints = random_paints(rng, facets, side)
    marks = garment.marks
    if worn:
        paints["opening"] = paints["skin"]
        marks = garment.put_on()
    photo = take_photo(rng, marks, pose, paints, random_backdrop(rng, HEIGHT, WIDTH))
    return photo, _boxes(photo, facets, worn)


def draw_product(seed: int, index: int) -> Product:
    """Product `index` of the catalogue of `seed`.

    It follows from (`seed`, `index`) alone: neither the size of the catalogue
    nor the products drawn before it change a pixel.
    """
    rng = np.random.default_rng([seed, index])
    listing = _write_listing(rng, index)
    photo, boxes = draw_photo(rng, listing.facets)
    attributes = item_attributes(**listing.facets.attributes())
    return Product(listing.id, photo.image, listing.text, attributes, boxes)
