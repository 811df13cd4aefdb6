"""Judged queries: what is said twice, what contradicts, and which split a text is in."""

import dataclasses

import numpy as np
import pytest

from fitrank_tf.datasets.splits import SPLITS, TEST, TRAIN, VALIDATION
from fitrank_tf.queries.judged import (
    JudgedQuery,
    Judgment,
    by_split,
    fingerprint,
    merged,
    scaled_gains,
    with_products,
)


def _query(text: str, *products: str) -> JudgedQuery:
    ones = np.ones(len(products), np.float32)
    return JudgedQuery(text, products, ones, ones)


def _graded(*grades: float) -> JudgedQuery:
    values = np.array(grades, np.float32)
    names = tuple(f"p{place}" for place in range(len(grades)))
    return JudgedQuery("q", names, values, values + 1)


def test_judgments_of_a_text_are_one_query() -> None:
    found = merged(
        [
            Judgment("Red Shirt", "a", 3),
            Judgment("blue shoe", "a", 1),
            Judgment("red  shirt ", "b", 0, 4.0),
            Judgment("red shirt", "a", 3),
            Judgment("red shirt", "b", 2, 12.0),
        ]
    )
    assert (found.repeated, found.contradicting) == (1, 1)
    assert [query.text for query in found.queries] == ["Red Shirt", "blue shoe"]
    shirt = found.queries[0]
    assert shirt.products == ("a", "b")
    # The mean by weight: (0 * 4 + 2 * 12) / 16.
    assert shirt.grades.tolist() == [3.0, 1.5]
    assert shirt.weights.tolist() == [1.0, 8.0]
    assert shirt.grades.dtype == shirt.weights.dtype == np.float32


def test_texts_of_equal_words_are_in_one_split() -> None:
    texts = [f"shirt {number}" for number in range(2000)]
    split = by_split([_query(text, "a") for text in texts], 0.1, 0.2)
    assert tuple(split) == SPLITS
    shares = [len(split[name]) / len(texts) for name in SPLITS]
    np.testing.assert_allclose(shares, [0.7, 0.1, 0.2], atol=0.03)
    other = by_split([_query(f" {text.upper()}! ", "a") for text in texts], 0.1, 0.2)
    for name in SPLITS:
        words = [query.text.strip(" !").lower() for query in other[name]]
        assert words == [query.text for query in split[name]]
    whole = by_split([_query(text, "a") for text in texts], 0.0, 0.0)
    assert len(whole[TRAIN]) == len(texts) and not whole[VALIDATION] + whole[TEST]


def test_other_products_are_counted_and_left_out(caplog) -> None:
    queries = [_query("one", "a", "x"), _query("two", "y")]
    (kept,) = with_products(queries, ["a", "b"], "of products that are not there")
    assert (kept.text, kept.products, len(kept.grades)) == ("one", ("a",), 1)
    (line,) = caplog.messages
    assert line.startswith("2 judgments of products that are not there: left out, x")


def test_a_judgment_and_a_query_weigh_1_unless_they_say_otherwise() -> None:
    (query,) = merged([Judgment("hat", "a", 2.0)]).queries
    assert (query.weight, query.weights.tolist()) == (1.0, [1.0])
    assert merged([]) == ([], 0, 0)


@pytest.mark.parametrize(
    ("grades", "repeated", "contradicting"),
    [((2,), 0, 0), ((2, 2, 2), 2, 0), ((1, 2), 0, 1), ((1, 2, 3, 2), 1, 1)],
)
def test_repeated_and_contradicting_grades_are_counted(
    grades, repeated: int, contradicting: int
) -> None:
    found = merged(Judgment("hat", "a", grade) for grade in grades)
    assert found[1:] == (repeated, contradicting)
    assert found.queries[0].grades.tolist() == [sum(grades) / len(grades)]


def test_judgments_keep_their_product() -> None:
    query = dataclasses.replace(_graded(0, 3, 2, 1), weight=2.5)
    kept = query.of_products({"p1", "p3", "x"})
    assert (kept.text, kept.products, kept.weight) == ("q", ("p1", "p3"), 2.5)
    assert (kept.grades.tolist(), kept.weights.tolist()) == ([3, 1], [4, 2])


def test_nothing_is_said_where_no_judgment_is_left_out(caplog) -> None:
    queries = [_query("one", "a"), _query("two")]
    (kept,) = with_products(queries, ["a", "b"], "of others")
    assert kept.text == "one" and not caplog.messages


@pytest.mark.parametrize(
    ("given", "grades", "gains"),
    [
        # The highest gain is 15.
        ((), [(0, 1), (2,)], [0, 7.5, 15]),
        ((), [(4,), (1, 0)], [0, 3.75, 7.5, 11.25, 15]),
        ((), [(0.5, 2.25)], [0, 5, 10, 15]),
        ((), [(0.25,)], [0, 15]),
        ((), [(0, 0), ()], [0, 15]),
        ((), [], [0, 15]),
        ((0, 1, 5), [(4,)], [0, 3, 15]),
        ((0, 2, 6, 30), [], [0, 1, 3, 15]),
    ],
)
def test_gains_end_with_the_highest_of_the_judge(given, grades, gains) -> None:
    queries = [_graded(*of) for of in grades]
    np.testing.assert_allclose(scaled_gains(given, queries), gains)


@pytest.mark.parametrize(
    "change",
    [
        {"text": "other"},
        {"products": ("p1", "p0")},
        {"grades": np.array([1, 3], np.float32)},
        {"weights": np.array([2, 3.5], np.float32)},
        {"weight": 2.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_fingerprint_is_of_all_that_is_judged(change: dict) -> None:
    query = _graded(1, 2)
    whole = fingerprint([query, _query("hat", "a")])
    assert whole == fingerprint([_graded(1, 2), _query("hat", "a")])
    assert len(whole) == 64 and int(whole, 16)
    assert whole != fingerprint([dataclasses.replace(query, **change), _query("hat", "a")])
    assert len({whole, fingerprint([query]), fingerprint([])}) == 3
