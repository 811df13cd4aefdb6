"""Judged queries: what is said twice, what contradicts, and which split a text is in."""

import numpy as np

from fitrank_tf.datasets.splits import SPLITS, TEST, TRAIN, VALIDATION
from fitrank_tf.queries.judged import (
    JudgedQuery,
    Judgment,
    by_split,
    merged,
    with_products,
)


def _query(text: str, *products: str) -> JudgedQuery:
    ones = np.ones(len(products), np.float32)
    return JudgedQuery(text, products, ones, ones)


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
