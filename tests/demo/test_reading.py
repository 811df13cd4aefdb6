"""What a request is read as, and the words that each value came from."""

import re

import numpy as np
import pytest

from fitrank_tf.demo.reading import split_label, wants, without
from fitrank_tf.demo.search import Want, contributions

VALUES = [("colour", "Red"), ("colour", "Maroon"), ("article_type", "Shirts, long")]
WORDS = {
    "red": ("colour", "Red"),
    "crimson": ("colour", "Red"),
    "blue": ("colour", "Blue"),
    "green": ("colour", "Green"),
    "shirt": ("article_type", "Shirts"),
    "short sleeves": ("sleeve", "short"),
}


def _read(texts):
    """Phrases of `WORDS`, denied where one of "not" or "without" stands before."""
    found = []
    for text in texts:
        plain = " ".join(re.findall(r"\w+", text.lower()))
        found.append(
            [
                Want(
                    facet, (value,), bool(re.search(rf"\b(not|without) {phrase}\b", plain))
                )
                for phrase, (facet, value) in WORDS.items()
                if re.search(rf"\b{phrase}\b", plain)
            ]
        )
    return found


@pytest.mark.parametrize(
    ("text", "want", "left"),
    [
        ("red shirt", Want("colour", ("Red",)), "shirt"),
        ("Red shirt", Want("article_type", ("Shirts",)), "Red"),
        (
            "polo, not red, short sleeves",
            Want("colour", ("Red",), True),
            "polo, short sleeves",
        ),
        ("polo, not red, short sleeves", Want("sleeve", ("short",)), "polo, not red"),
        ("red or blue shirt", Want("colour", ("Blue",)), "red shirt"),
        ("red or blue shirt", Want("colour", ("Red",)), "blue shirt"),
        ("red, blue and green", Want("colour", ("Green",)), "red, blue"),
        ("red/blue shirt", Want("colour", ("Blue",)), "red shirt"),
        # From two words, and from one that stands twice.
        ("crimson red shirt", Want("colour", ("Red",)), "shirt"),
        ("red shirt in red", Want("colour", ("Red",)), "shirt in"),
        ("red", Want("colour", ("Red",)), ""),
        ("  red\tshirt ", Want("colour", ("Red",)), "shirt"),
    ],
)
def test_a_want_goes_with_its_words(text: str, want: Want, left: str) -> None:
    rest = without(text, want, _read)
    assert rest == left
    kept = {read for read in _read([text])[0] if read != want}
    assert set(_read([rest])[0]) == kept


def test_words_far_apart_of_one_want_go_all() -> None:
    rest = without("crimson shirt in a red or a blue", Want("colour", ("Red",)), _read)
    assert Want("colour", ("Red",)) not in _read([rest])[0]


def test_named_values_are_wants_of_their_own_and_near_ones_are_one() -> None:
    facets = np.array([0.5, 0.8, 1.0], np.float32)
    assert wants(facets, VALUES) == [
        Want("colour", ("Maroon", "Red")),
        Want("article_type", ("Shirts, long",)),
    ]
    facets = np.array([-1.0, -0.4, 0.0], np.float32)
    assert wants(facets, VALUES) == [
        Want("colour", ("Red",), True),
        Want("colour", ("Maroon",), True),
    ]
    assert wants(np.zeros(3, np.float32), VALUES) == []


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("article type Shirts, long", ("article_type", "Shirts, long")),
        ("article type of sole Flat", ("article_type_of_sole", "Flat")),
        ("colour Red; or so", ("colour", "Red; or so")),
    ],
)
def test_a_label_is_parted_at_its_facet(label: str, expected: tuple[str, str]) -> None:
    facets = ("colour", "article_type", "article_type_of_sole")
    assert split_label(label, facets) == expected


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("colour +1.20, similarity -0.31", [("colour", 1.2), ("similarity", -0.31)]),
        ("article_type +12.00", [("article_type", 12.0)]),
        ("", []),
    ],
)
def test_an_explanation_is_parted(text: str, parts: list[tuple[str, float]]) -> None:
    assert contributions(text) == parts
