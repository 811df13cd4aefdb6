"""Drawn products are reproducible, and their boxes fit."""

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from fitrank_tf.datasets.annotations.label_file import FITS, LENGTHS
from fitrank_tf.datasets.annotations.title_labels import title_label
from fitrank_tf.datasets.item import OBJECT_CLASSES, PRODUCT_CLASSES
from fitrank_tf.datasets.synthetic_catalogue.article_types import ARTICLE_TYPES, ArticleType
from fitrank_tf.datasets.synthetic_catalogue.facets import Facets
from fitrank_tf.datasets.synthetic_catalogue.garments import random_garment
from fitrank_tf.datasets.synthetic_catalogue.palette import COLOURS, jitter
from fitrank_tf.datasets.synthetic_catalogue.photo import take_photo
from fitrank_tf.datasets.synthetic_catalogue.pose import place, random_pose
from fitrank_tf.datasets.synthetic_catalogue.product import (
    HEIGHT,
    WIDTH,
    Listing,
    draw_photo,
    draw_product,
    measure_box,
    write_listing,
)
from fitrank_tf.datasets.synthetic_catalogue.shapes import Shape
from tests.fashion import ATTRIBUTES

BY_NAME = {article.name: article for article in ARTICLE_TYPES}
# The words of the catalogue, written out once more by hand.
VOCABULARY = {
    "gender": {"Men", "Women", "Boys", "Girls", "Unisex"},
    "category": {"Apparel", "Footwear", "Accessories"},
    "colour": set(COLOURS),
    "season": {"Spring", "Summer", "Fall", "Winter"},
    "year": {str(year) for year in range(2011, 2018)},
    "usage": {"Casual", "Formal", "Sports", "Ethnic"},
    "pattern": {"plain", "striped", "checked", "dotted", "printed"},
    "sleeve": {"", "sleeveless", "short", "three-quarter", "long"},
    "neckline": {"", "round", "v", "collar", "hood"},
}


@pytest.fixture(scope="module")
def products():
    return [draw_product(seed=3, index=index) for index in range(120)]


def facets_of(article: ArticleType, **changes: str) -> Facets:
    """Facets of an article type: the first value of each unless given."""
    values = {
        "gender": article.genders[0],
        "colour": "Red",
        "season": "Summer",
        "year": "2012",
        "usage": article.usages[0],
        "pattern": "plain",
        "sleeve": article.sleeves[-1] if article.sleeves else "",
        "neckline": article.necklines[0] if article.necklines else "",
    }
    return Facets(article=article, **{**values, **changes})


def test_a_product_follows_from_its_seed_and_index(products):
    again = draw_product(seed=3, index=17)
    assert again.text == products[17].text
    assert again.boxes == products[17].boxes
    np.testing.assert_array_equal(again.image, products[17].image)


def test_seeds_and_indices_draw_different_products(products):
    others = [draw_product(seed=4, index=index) for index in range(10)]
    drawn = {product.image.tobytes() for product in products + others}
    assert len(drawn) == len(products) + len(others)


def test_the_listing_is_that_of_the_drawn_product(products):
    for index, product in enumerate(products):
        listing = write_listing(seed=3, index=index)
        assert (listing.id, listing.text) == (product.id, product.text)
        assert product.id == f"syn-{index:06d}"


def test_every_product_class_but_other_is_sold(products):
    classes = {product.boxes[0].label for product in products}
    assert classes == set(PRODUCT_CLASSES) - {"other"}


def test_attributes_are_words_of_the_catalogue(products):
    for product in products:
        attributes = product.attributes
        assert tuple(attributes) == ATTRIBUTES
        for name, words in VOCABULARY.items():
            assert attributes[name] in words
        article = BY_NAME[attributes["article_type"]]
        assert attributes["subcategory"] == article.subcategory
        assert bool(attributes["sleeve"]) == bool(article.sleeves)
        assert bool(attributes["neckline"]) == bool(article.necklines)


def test_boxes_lie_in_the_image_and_count_the_parts(products):
    for product in products:
        assert product.image.shape == (HEIGHT, WIDTH, 3)
        assert product.image.dtype == np.uint8
        for box in product.boxes:
            assert box.label in OBJECT_CLASSES
            assert 0.0 <= box.ymin < box.ymax <= 1.0
            assert 0.0 <= box.xmin < box.xmax <= 1.0
        labels = [box.label for box in product.boxes]
        attributes = product.attributes
        has_sleeves = attributes["sleeve"] not in ("", "sleeveless")
        assert labels.count("sleeve") == 2 * has_sleeves
        assert labels.count("neckline") == bool(attributes["neckline"])
        assert labels[0] == BY_NAME[attributes["article_type"]].product_class


def test_sleeves_lie_within_their_garment(products):
    for product in products:
        garment, *parts = product.boxes
        for sleeve in (box for box in parts if box.label == "sleeve"):
            assert garment.ymin <= sleeve.ymin and sleeve.ymax <= garment.ymax
            assert garment.xmin <= sleeve.xmin and sleeve.xmax <= garment.xmax


def test_measure_box_covers_the_outermost_pixels_whole():
    mask = np.zeros((10, 20), bool)
    mask[2, 5] = mask[6, 3] = mask[4, 11] = True
    box = measure_box("bag", mask)
    # Rows 2-6 of 10 and columns 3-11 of 20, each end counted to its far edge.
    assert (box.ymin, box.ymax) == pytest.approx((0.2, 0.7))
    assert (box.xmin, box.xmax) == pytest.approx((0.15, 0.6))


def extent(mask: np.ndarray) -> np.ndarray:
    """First and one past the last row and column, pixel by pixel."""
    pixels = np.argwhere(mask)
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0) + 1])


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_boxes_are_the_extents_of_the_masks(name, seed):
    photo, boxes = draw_photo(np.random.default_rng(seed), facets_of(BY_NAME[name]))
    masks = photo.masks
    garment = masks["body"] | masks["left_sleeve"] | masks["right_sleeve"]
    garment |= masks["collar"] | masks["collar_back"]
    if not masks["wearer"].any():  # then the neck hole shows the garment's inside
        garment |= masks["opening"]
    neckline = masks["collar"] | masks["collar_back"] | masks["opening"]
    parts = (garment, masks["left_sleeve"], masks["right_sleeve"], neckline)
    expected = [extent(part) for part in parts if part.any()]

    size = (HEIGHT, WIDTH, HEIGHT, WIDTH)
    measured = [np.multiply((b.ymin, b.xmin, b.ymax, b.xmax), size) for b in boxes]
    np.testing.assert_allclose(measured, expected)


ROLE_PAINT = {
    "body": (0, 0, 220),
    "left_sleeve": (220, 0, 0),
    "right_sleeve": (0, 220, 0),
    "collar": (220, 220, 0),
    "collar_back": (220, 0, 220),
    "opening": (0, 220, 220),
}


@pytest.mark.parametrize("name", BY_NAME)
def test_masks_agree_with_the_photo(name):
    """Each role in a colour of its own on black: the masks can be read off the photo."""
    rng = np.random.default_rng(5)
    garment = random_garment(rng, facets_of(BY_NAME[name]))
    marks = tuple(
        replace(mark, paint=mark.role, shade=1.0)
        for mark in garment.marks
        if isinstance(mark, Shape)
    )
    pose = random_pose(rng, garment, False, HEIGHT, WIDTH)
    black = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    photo = take_photo(rng, marks, pose, ROLE_PAINT, black)

    lit = photo.image > 70
    square = np.ones((3, 3), np.uint8)
    for role, paint in ROLE_PAINT.items():
        # Pixels on a border are mixed of two roles; those within are of one.
        within = cv2.erode(photo.masks[role].astype(np.uint8), square) > 0
        assert (lit[within] == (np.array(paint) > 0)).all()
    union = np.logical_or.reduce(list(photo.masks.values()))
    np.testing.assert_allclose(extent(lit.any(axis=-1)), extent(union), atol=1)
    assert np.mean(lit.any(axis=-1) ^ union) < 0.01


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("worn", [False, True])
def test_the_whole_garment_is_in_the_photo(name, worn):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        garment = random_garment(rng, facets_of(BY_NAME[name]))
        pose = random_pose(rng, garment, worn, HEIGHT, WIDTH)
        for mark in garment.marks:
            if isinstance(mark, Shape):
                corners = place(pose, mark.outline)
                assert corners.min() >= 0.0
                assert (corners <= (WIDTH, HEIGHT)).all()


def test_longer_sleeves_show_more_cloth():
    shares = []
    for sleeve in ("sleeveless", "short", "three-quarter", "long"):
        facets = facets_of(BY_NAME["Tshirts"], sleeve=sleeve)
        photos = [draw_photo(np.random.default_rng(seed), facets)[0] for seed in range(12)]
        arms = [
            photo.masks["left_sleeve"].sum() / photo.masks["body"].sum() for photo in photos
        ]
        shares.append(np.mean(arms))
    assert shares[0] == 0
    assert shares == sorted(shares)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_jittered_colour_stays_nearest_to_its_name(colour):
    rng = np.random.default_rng(0)
    names, values = list(COLOURS), np.array(list(COLOURS.values()))
    for _ in range(300):
        distances = np.linalg.norm(values - jitter(rng, COLOURS[colour]), axis=1)
        assert names[distances.argmin()] == colour


@pytest.mark.parametrize("colour", COLOURS)
def test_a_plain_garment_shows_the_colour_that_it_is_sold_in(colour):
    facets = facets_of(BY_NAME["Tshirts"], colour=colour, usage="Casual")
    photo, _ = draw_photo(np.random.default_rng(1), facets)
    shown = np.median(photo.image[photo.masks["body"]], axis=0)
    # Jitter (21 at most) and uneven light, which takes up to a tenth.
    assert np.linalg.norm(shown - COLOURS[colour]) < 21 + 0.1 * np.linalg.norm(
        COLOURS[colour]
    )


@pytest.mark.parametrize("pattern", ["striped", "checked", "dotted", "printed"])
def test_a_pattern_puts_a_second_colour_on_the_cloth(pattern):
    def spread(pattern: str) -> float:
        facets = facets_of(BY_NAME["Shirts"], pattern=pattern)
        photos = [draw_photo(np.random.default_rng(seed), facets)[0] for seed in range(5)]
        cloth = [photo.image[photo.masks["body"]] for photo in photos]
        return float(np.mean([pixels.std(axis=0).mean() for pixels in cloth]))

    assert spread(pattern) > 1.5 * spread("plain")


def test_some_clothes_are_worn_and_hoods_never():
    def worn_share(neckline: str) -> float:
        facets = facets_of(BY_NAME["Jackets"], neckline=neckline)
        photos = [draw_photo(np.random.default_rng(seed), facets)[0] for seed in range(40)]
        return float(np.mean([photo.masks["wearer"].any() for photo in photos]))

    assert 0.2 < worn_share("collar") < 0.8
    assert worn_share("hood") == 0


CUTS = ("length", "fit")


@pytest.fixture(scope="module")
def varied() -> list[Listing]:
    return [write_listing(5, index, CUTS) for index in range(600)]


def test_length_and_fit_vary_where_they_show(varied):
    seen: dict[str, set[str]] = {"length": set(), "fit": set()}
    for listing in varied:
        attributes, article = listing.facets.attributes(), listing.facets.article
        for name, may_be in zip(CUTS, (article.lengths, article.fits)):
            assert attributes.get(name, "") in (may_be or ("",))
            seen[name] |= {attributes[name]} if may_be else set()
        assert tuple(attributes)[: len(ATTRIBUTES)] == ATTRIBUTES
    assert seen == {"length": set(LENGTHS), "fit": set(FITS)}


def test_a_title_says_no_other_length_or_fit(varied):
    said = dict.fromkeys(CUTS, 0)
    for listing in varied:
        for name in CUTS:
            label = title_label(listing.text, name)
            assert label in ("", getattr(listing.facets, name)), listing.text
            said[name] += bool(label)
    assert min(said.values()) > 50


@pytest.mark.parametrize("article", [a for a in ARTICLE_TYPES if a.lengths])
def test_longer_garments_end_lower_and_looser_ones_are_wider(article):
    def outlines(**changes: str) -> list[np.ndarray]:
        facets = facets_of(article, **changes)
        garments = [
            random_garment(np.random.default_rng(seed), facets) for seed in range(8)
        ]
        return [
            max(
                (
                    mark.outline
                    for mark in garment.marks
                    if getattr(mark, "role", "") == "body"
                ),
                key=lambda outline: np.ptp(outline[:, 1]),
            )
            for garment in garments
        ]

    lengths = [name for name in LENGTHS if name in article.lengths]
    hems = [
        [of[:, 1].max() for of in outlines(length=name, fit="slim")] for name in lengths
    ]
    for shorter, longer in pairwise(hems):
        assert max(shorter) < min(longer)
    widths = [
        [of[:, 0].max() for of in outlines(length=lengths[-1], fit=name)] for name in FITS
    ]
    assert [np.mean(of) for of in widths] == sorted(np.mean(of) for of in widths)


def test_all_else_is_as_in_the_catalogue_of_usual_cuts(varied):
    for index, listing in enumerate(varied[:100]):
        usual = write_listing(5, index).facets
        assert replace(listing.facets, length="", fit="") == usual
        assert not {*CUTS} & usual.attributes().keys()
