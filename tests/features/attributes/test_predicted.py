"""Predictions fill empty columns and change nothing else."""

import numpy as np
import pytest

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.features.attributes.predicted import with_predicted_attributes
from fitrank_tf.features.extract import feature_schema
from tests.fashion import ATTRIBUTES, DECLARATION

SCHEMA = feature_schema()


def _records(**columns: tuple[str, ...]) -> CatalogueRecords:
    attributes = {name: columns.get(name, ("", "")) for name in ATTRIBUTES}
    return CatalogueRecords(
        ("a", "b"), ("A", "B"), attributes, ("train", "train"), DECLARATION
    )


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
    ("name", "expected"),
    [
        ("pattern", ("checked", "")),
        ("sleeve", ("", "long")),
        ("neckline", ("", "v")),
        ("colour", ("", "")),
    ],
)
def test_an_empty_column_holds_confident_predictions(name, expected) -> None:
    predicted = with_predicted_attributes(_records(), FEATURES, SCHEMA)
    assert tuple(predicted.attributes[name]) == expected


@pytest.mark.parametrize("column", [("Striped", ""), ("", "Solid")])
def test_a_column_of_the_catalogue_is_unchanged(column) -> None:
    predicted = with_predicted_attributes(_records(pattern=column), FEATURES, SCHEMA)
    assert predicted.attributes["pattern"] == column
    assert tuple(predicted.attributes["sleeve"]) == ("", "long")
    assert predicted.ids == ("a", "b")
