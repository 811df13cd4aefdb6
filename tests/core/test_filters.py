"""Filters as typed on the command line and as given in Python."""

import math

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import (
    Range,
    Ranges,
    Values,
    check_filters,
    filter_text,
    join_values,
    parse_filters,
    parse_ranges,
    parse_values,
    split_values,
)

KNOWN = ("gender", "colour", "price")
INF = math.inf


@pytest.mark.parametrize(
    ("pairs", "filters"),
    [
        ([], {}),
        (["gender=Women"], {"gender": "Women"}),
        (
            ["gender=Women|Unisex", " colour=a=b"],
            {"gender": "Women|Unisex", "colour": "a=b"},
        ),
        ([r"colour=a\|b"], {"colour": r"a\|b"}),
        (["colour=a<b"], {"colour": "a<b"}),
        (["price<50"], {"price": "<50"}),
        (["price >= 7"], {"price": ">= 7"}),
        (["price=30..45"], {"price": "30..45"}),
        (["price>=30", "price<50"], {"price": ">=30 <50"}),
    ],
)
def test_pairs_become_filters(pairs, filters) -> None:
    assert parse_filters(pairs, KNOWN) == filters


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["gender"], "attribute=value"),
        (["gender="], "attribute=value"),
        (["gender=|"], "attribute=value"),
        (["=Women"], "attribute=value"),
        (["<5"], "attribute=value"),
        (["size=M"], "choose from colour, gender, price"),
        (["size<5"], "filter 'size<5': unknown"),
        (["colour=Red", "colour=Blue"], r"colour=Red\|Blue"),
        (["price=7", "price<50"], r"price=7\|<50"),
    ],
)
def test_malformed_filters_are_refused(pairs, message) -> None:
    with pytest.raises(FitRankError, match=message):
        parse_filters(pairs, KNOWN)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", ()),
        (" | |", ()),
        ("Red", ("Red",)),
        (" Red | Navy  Blue ", ("Red", "Navy  Blue")),
        (r"S\|M", ("S|M",)),
        (r"S\|M|L", ("S|M", "L")),
        (r"\|", ("|",)),
        (r"a\\|b", ("a\\", "b")),
        (r"a\\\|b", (r"a\|b",)),
        # A backslash before anything else is one.
        (r"C:\x|y", (r"C:\x", "y")),
        ("a\\", ("a\\",)),
    ],
)
def test_a_backslash_quotes_a_bar(text, values) -> None:
    assert split_values(text) == values


@pytest.mark.parametrize("seed", range(20))
def test_any_values_come_back_from_their_text(seed) -> None:
    rng = np.random.default_rng(seed)
    letters = list("ab|\\ .<é")
    drawn = ["".join(rng.choice(letters, rng.integers(1, 9))) for _ in range(50)]
    values = tuple(value.strip() for value in drawn if value.strip())
    assert split_values(join_values(values)) == values
    assert parse_values(filter_text(list(values))) == Values(values)


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("7", [(7, 7)]),
        ("-7.5", [(-7.5, -7.5)]),
        (".5", [(0.5, 0.5)]),
        ("1e3", [(1000, 1000)]),
        ("30..45", [(30, 45)]),
        ("30 .. 45", [(30, 45)]),
        ("-5..-2.5", [(-5, -2.5)]),
        ("0...5", [(0, 0.5)]),
        ("30..", [(30, INF)]),
        ("..45", [(-INF, 45)]),
        ("<=45", [(-INF, 45)]),
        (">= 30", [(30, INF)]),
        ("<50", [(-INF, math.nextafter(50, 0))]),
        (">7", [(math.nextafter(7, 8), INF)]),
        (">=30 < 50", [(30, math.nextafter(50, 0))]),
        ("7|8|10..12", [(7, 7), (8, 8), (10, 12)]),
    ],
)
def test_numbers_are_given_as_ranges(text, ranges) -> None:
    parsed = parse_ranges(text)
    assert parsed == Ranges(tuple(Range(*bounds) for bounds in ranges))
    assert parse_ranges(filter_text(parsed)) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "|",
        "..",
        "red",
        "7,5",
        "30-45",
        "50 EUR",
        "nan",
        "inf",
        "<",
        "<red",
        "7 <9",
        "7.",
    ],
)
def test_what_is_no_number_is_refused(text) -> None:
    with pytest.raises(FitRankError, match=r"write a number as 7\.5, a range as 30\.\.45"):
        parse_ranges(text)


@pytest.mark.parametrize("text", ["45..30", ">5 <5", ">=5 <5"])
def test_bounds_in_the_wrong_order_are_refused(text) -> None:
    with pytest.raises(FitRankError, match="write the lower number first"):
        parse_ranges(text)


def test_a_range_has_both_ends_and_no_missing_number() -> None:
    inside = [number in Range(30, 45) for number in (29.9, 30, 45, 45.1, math.nan)]
    assert inside == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Red|Maroon", "Red|Maroon"),
        (["Red", "S|M"], r"Red|S\|M"),
        (Range(30, 45), "30.0..45.0"),
        (Range(high=50), "..50.0"),
    ],
)
def test_filters_of_python_become_text(value, text) -> None:
    assert filter_text(value) == text


@pytest.mark.parametrize("values", [[], [""], ["Red", " "]])
def test_a_list_without_values_is_refused(values) -> None:
    with pytest.raises(FitRankError, match="values that are not empty"):
        filter_text(values)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"size": ["M"]}, "filter 'size=M': unknown attribute"),
        ({"price": "cheap"}, "filter 'cheap': write a number"),
        ({"price": ["7", "5 EUR"]}, "filter '5 EUR': write a number"),
        ({"colour": Range(1, 2)}, "colour holds no numbers"),
    ],
)
def test_filters_must_fit_what_an_attribute_holds(filters, message) -> None:
    with pytest.raises(FitRankError, match=message):
        check_filters(filters, KNOWN, numbers=["price"])


def test_filters_that_fit_are_accepted() -> None:
    filters = {"price": "30..45|7", "colour": "<5", "gender": ["Men", "a|b"]}
    check_filters(filters, KNOWN, numbers=["price"])
    check_filters({"price": Range(high=3), "gender": ""}, KNOWN)
