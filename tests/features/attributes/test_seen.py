"""What photos show stands in for empty columns, and for nothing else."""

import numpy as np
import pytest

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.datasets.item import ATTRIBUTES
from fitrank_tf.features.attributes.seen import with_seen_attributes
from fitrank_tf.features.extract import feature_schema

SCHEMA = feature_schema()


def _records(**columns: tuple[str, ...]) -> CatalogueRecords:
    attributes = {name: columns.get(name, ("", "")) for name in ATTRIBUTES}
    return CatalogueRecords(("a", "b"), ("A", "B"), attributes, ("train", "train"))


def _features(**chances: list[list[float]]) -> np.ndarray:
    features = np.zeros((2, SCHEMA.size), np.float32)
    for name, values in chances.items():
        features[:, SCHEMA.slice(name)] = values
    return features


FEATURES = _features(
    # plain, striped, checked, printed
    pattern=[[0.1, 0.1, 0.7, 0.1], [0.4, 0.1, 0.1, 0.4]],
    # unknown, sleeveless, short, three-quarter, long
    sleeve=[[0.9, 0, 0, 0, 0.1], [0, 0, 0, 0, 1]],
    # unknown, round, v, collar, hood, other
    neckline=[[0, 0, 0, 0, 0, 1], [0, 0, 0.8, 0.2, 0, 0]],
)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pattern", ("checked", "")),
        ("sleeve", ("", "long")),
        ("neckline", ("", "v")),
        ("colour", ("", "")),
    ],
)
def test_an_empty_column_holds_what_is_surely_seen(name, told) -> None:
    seen = with_seen_attributes(_records(), FEATURES, SCHEMA)
    assert tuple(seen.attributes[name]) == told


@pytest.mark.parametrize("column", [("Striped", ""), ("", "Solid")])
def test_a_column_of_the_catalogue_stays_as_it_is(column) -> None:
    seen = with_seen_attributes(_records(pattern=column), FEATURES, SCHEMA)
    assert seen.attributes["pattern"] == column
    assert tuple(seen.attributes["sleeve"]) == ("", "long")
    assert seen.ids == ("a", "b")
