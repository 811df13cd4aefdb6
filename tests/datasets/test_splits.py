"""Splits by the formula in the docs, worked out here by itself."""

import hashlib

import pytest

from fitrank_tf.datasets.splits import (
    SPLITS,
    TEST,
    TRAIN,
    VALIDATION,
    hash_fraction,
    split_of,
    title_key,
)


def _by_formula(key: str) -> str:
    """80/10/10 by the first 16 hex digits of the SHA-256."""
    tenths = 10 * int(hashlib.sha256(key.encode()).hexdigest()[:16], 16) / 16**16
    return TRAIN if tenths < 8 else VALIDATION if tenths < 9 else TEST


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Red Shirt", "red shirt"),
        (" RED \t shirt\n", "red shirt"),
        ("Red\u00a0Shirt", "red shirt"),
        ("STRASSE Straße", "strasse strasse"),
        ("", ""),
        (" \n", ""),
    ],
)
def test_titles_are_compared_without_case_and_white_space(text: str, key: str) -> None:
    assert title_key(text) == key


@pytest.mark.parametrize(
    ("key", "fraction"),
    [("red check shirt", 0.23161897957892655), ("", 0.8894159948913374)],
)
def test_a_fraction_is_the_same_on_every_machine(key: str, fraction: float) -> None:
    assert hash_fraction(key) == fraction


@pytest.mark.parametrize(
    ("title", "split"),
    [
        # The fractions of these lie within 0.00001 of a bound, below it or above.
        ("shirt 168461", TRAIN),
        ("shirt 155107", VALIDATION),
        ("shirt 55452", VALIDATION),
        ("shirt 65250", TEST),
        # As they are written, all three spellings would be in the training split.
        ("Acme Men Red Check Shirt", VALIDATION),
        ("ACME MEN RED CHECK SHIRT", VALIDATION),
        ("Acme  Men  Red  Check  Shirt ", VALIDATION),
    ],
)
def test_the_normalised_title_determines_the_split(title: str, split: str) -> None:
    assert split_of("1", title) == split_of("2", title) == split


@pytest.mark.parametrize("title", ["", " \t"])
def test_without_a_title_the_id_determines_the_split(title: str) -> None:
    found = [split_of(f"p{number}", title) for number in range(60)]
    assert found == [_by_formula(f"id:p{number}") for number in range(60)]
    assert set(found) == set(SPLITS)


def test_splits_are_eight_tenths_and_twice_a_tenth() -> None:
    titles = [f"Title {number}" for number in range(4000)]
    found = [split_of("", title) for title in titles]
    assert found == [_by_formula(title.lower()) for title in titles]
    for split, share in zip(SPLITS, (0.8, 0.1, 0.1)):
        assert abs(found.count(split) / 4000 - share) < 0.02
