"""Counts against a count product by product, and against the filter of a served search."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import split_values
from fitrank_tf.datasets.attributes import CATEGORIES, NUMBER, Attribute
from fitrank_tf.demo.filter_counts import CatalogueFilter
from fitrank_tf.export.graphs.attribute_filter import AttributeFilter

DECLARED = (
    Attribute("colour"),
    Attribute("sizes", CATEGORIES),
    Attribute("price", NUMBER),
    Attribute("empty"),
)
FILTERS = [
    {},
    {"colour": "Red"},
    {"colour": "red| DARK  blue "},
    {"colour": "no such colour"},
    {"colour": ""},
    {"sizes": r"M\|L|S"},
    {"price": "3..7"},
    {"price": "..2|>=9"},
    {"colour": "Red", "price": ">4"},
    {"colour": "Red|Grün", "sizes": "S", "price": "1..8"},
    {"empty": "x"},
]


@pytest.fixture(scope="module")
def attributes() -> dict[str, tuple[str, ...]]:
    draw = np.random.default_rng(0)
    colours, sizes = ["Red", "RED", "Dark Blue", "Grün", ""], ["S", r"M\|L", "XL"]
    return {
        "colour": tuple(draw.choice(colours, 200)),
        "sizes": tuple("|".join(draw.permutation(sizes)[: n % 4]) for n in range(200)),
        "price": tuple(draw.choice([*map(str, range(10)), ""], 200)),
        "empty": ("",) * 200,
    }


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_products_pass_as_in_a_served_search(attributes, filters) -> None:
    served = AttributeFilter(attributes, DECLARED)
    ours = CatalogueFilter(attributes, DECLARED, 200).admitted(filters)
    if filters:
        texts = {name: tf.constant([text]) for name, text in filters.items()}
        theirs = np.broadcast_to(served(texts).numpy()[0], [200])
        np.testing.assert_array_equal(ours, theirs)
    else:
        assert ours.all()


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_counts_are_those_of_products_one_by_one(attributes, filters) -> None:
    counted = CatalogueFilter(attributes, DECLARED, 200).counts(filters)
    served = AttributeFilter(attributes, DECLARED)

    def passing(without: str) -> list[int]:
        texts = {name: tf.constant([of]) for name, of in filters.items() if name != without}
        if not texts:
            return list(range(200))
        return np.flatnonzero(np.broadcast_to(served(texts).numpy()[0], [200])).tolist()

    assert counted.admitted == len(passing("nothing"))
    for name in ("colour", "sizes", "empty"):
        one_by_one: dict[str, int] = {}
        for row in passing(name):
            cell = attributes[name][row]
            values = split_values(cell) if name == "sizes" else [cell] if cell else []
            for value in {value.lower() for value in values}:
                one_by_one[value] = one_by_one.get(value, 0) + 1
        found = {value.lower(): of for value, of in counted.values[name].items() if of}
        assert found == one_by_one
    prices = [attributes["price"][row] for row in passing("price")]
    bins = counted.numbers["price"].bins
    assert list(bins) == [prices.count(str(number)) for number in range(10)]


def test_values_stand_in_the_spelling_of_most_products_the_frequent_first() -> None:
    column = {"colour": ("red", "Red", "Red", "blue", "")}
    counted = CatalogueFilter(column, DECLARED[:1], 5).counts({})
    assert list(counted.values["colour"].items()) == [("Red", 3), ("blue", 1)]


@pytest.mark.parametrize(
    ("cells", "bins"),
    [(("", ""), (0,)), (("5", ""), (1,)), (("0.5", "1"), (1, *[0] * 22, 1))],
)
def test_few_numbers(cells, bins) -> None:
    counted = CatalogueFilter({"price": cells}, DECLARED[2:3], 2).counts({})
    assert counted.numbers["price"].bins == bins


@pytest.mark.parametrize("filters", [{"size": "M"}, {"price": "cheap"}])
def test_other_filters_are_refused(attributes, filters) -> None:
    with pytest.raises(FitRankError, match="filter"):
        CatalogueFilter(attributes, DECLARED, 200).counts(filters)
