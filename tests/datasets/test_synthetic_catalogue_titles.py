"""Titles of drawn products: varied, incomplete, and never wrong."""

import re
from collections import Counter

import pytest

from fitrank_tf.datasets.synthetic_catalogue.product import write_listing

# How a shop words each facet value, written out by hand.
SAID = {
    "gender": {
        "Men": "Men|Men's|Mens",
        "Women": "Women|Women's|Womens",
        "Boys": "Boys|Boy's",
        "Girls": "Girls|Girl's",
        "Unisex": "Unisex",
    },
    "pattern": {
        "plain": "Solid|Plain",
        "striped": "Striped|Stripes",
        "checked": "Checked|Check",
        "dotted": "Polka Dot|Dotted",
        "printed": "Printed|Print",
    },
    "sleeve": {
        "sleeveless": "Sleeveless",
        "short": "Short Sleeve|Half Sleeve",
        "three-quarter": "Three-Quarter Sleeve|3/4 Sleeve",
        "long": "Long Sleeve|Full Sleeve",
    },
    "neckline": {
        "round": "Round Neck|Crew Neck",
        "v": "V Neck|V-Neck",
        "collar": "Collar|Collared",
        "hood": "Hooded|Hood",
    },
    "usage": {word: word for word in ("Casual", "Formal", "Sports", "Ethnic")},
    "colour": {
        word: word if word != "Blue" else "(?<!Navy )Blue"
        for word in (
            *("Beige", "Black", "Blue", "Brown", "Green", "Grey", "Maroon", "Navy Blue"),
            *("Olive", "Orange", "Pink", "Purple", "Red", "Teal", "White", "Yellow"),
        )
    },
}
NOUN = {"Tshirts": "T-?shirts?", "Casual Shoes": "Shoes|Sneakers", "Watches": "Watch(es)?"}


def told(title: str, facet: str) -> set[str]:
    """The values of `facet` that the words of `title` name."""
    return {
        value
        for value, wording in SAID[facet].items()
        if re.search(rf"(?<![\w'])({wording})(?![\w'-])", title)
    }


@pytest.fixture(scope="module")
def listings():
    return [write_listing(seed=0, index=index) for index in range(2000)]


@pytest.mark.parametrize("facet", SAID)
def test_a_title_names_only_values_of_the_product(listings, facet):
    for listing in listings:
        value = listing.facets.attributes()[facet]
        assert told(listing.text, facet) <= {value}, listing.text


@pytest.mark.parametrize("facet", SAID)
def test_every_value_is_sometimes_named_and_sometimes_not(listings, facet):
    said = Counter(value for listing in listings for value in told(listing.text, facet))
    have = Counter(listing.facets.attributes()[facet] for listing in listings)
    assert set(said) == set(SAID[facet])
    for value, count in said.items():
        assert 0 < count < have[value]


def test_a_title_names_the_article(listings):
    for listing in listings:
        name = listing.facets.article.name
        noun = NOUN.get(name, re.sub("(?<=ss)es$|s$", "", name) + "(s|es)?")
        assert re.search(rf"\b({noun})$", listing.text), listing.text


def test_most_titles_are_unique(listings):
    assert len({listing.text for listing in listings}) > 0.95 * len(listings)
