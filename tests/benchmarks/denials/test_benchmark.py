"""Pairs of requests, and the shares that are counted, by hand."""

import numpy as np
import pytest

from benchmarks.denials.benchmark import Pair, draw_pairs, table, unwanted_shares
from fitrank_tf.core.errors import FitRankError
from tests.queries.small_records import small_records


def _shop(red: int, blue: int):
    """Shirts of two colours."""
    colours = ["Red"] * red + ["Blue"] * blue
    return small_records(
        *(
            (str(n), "t", {"colour": colour, "article_type": "Shirts"})
            for n, colour in enumerate(colours)
        )
    )


def test_a_value_is_denied_where_enough_products_have_it_and_enough_do_not() -> None:
    pairs = draw_pairs(_shop(10, 10), ["colour"], 100, seed=0)
    assert {(pair.plain, pair.facet, pair.value) for pair in pairs} == {
        ("shirts", "colour", "Red"),
        ("shirts", "colour", "Blue"),
    }
    assert all(pair.value.lower() in pair.denied for pair in pairs)
    assert len(draw_pairs(_shop(10, 10), ["colour"], 1, seed=0)) == 1
    with pytest.raises(FitRankError, match="larger catalogue"):
        draw_pairs(_shop(9, 11), ["colour"], 100, seed=0)


def test_shares_are_of_the_first_ten() -> None:
    records = _shop(10, 10)
    pair = Pair("shirts", "shirts but not red", "colour", "Red")
    plain = [(str(n), 1.0) for n in (0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 4, 5)]
    run = {pair.plain: plain, pair.denied: [(str(n), 1.0) for n in (0, 10, 11, 12)]}
    shares = unwanted_shares([pair], records, run)
    np.testing.assert_allclose(shares, [[0.4, 0.25]])
    lines = table({"x": np.array([[0.4, 0.25], [0.0, 0.5], [0.2, 0.2]])}).splitlines()
    assert lines[-1] == "| x | 0.300 | 0.225 | 1 | 2 |"
