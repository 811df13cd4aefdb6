"""Catalogues change as sets of products do, and come back whole from a saved model."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.graphs.served_catalogue import ServedCatalogue, read_catalogue
from tests.export.toy_parts import COLOURS, IDS


def _same(one, other) -> None:
    for field in ("ids", "titles", "attributes"):
        assert getattr(one, field) == getattr(other, field)
    for name in ("embeddings", "feature_projection", "facet_probs"):
        np.testing.assert_array_equal(
            getattr(one.tables, name), getattr(other.tables, name)
        )


def test_a_saved_catalogue_is_read_back_whole(catalogue, tmp_path) -> None:
    held = tf.Module()
    held.catalogue = ServedCatalogue(catalogue)
    tf.saved_model.save(held, str(tmp_path))
    _same(read_catalogue(tf.saved_model.load(str(tmp_path))), catalogue)


def test_products_that_join_replace_those_of_their_id(catalogue) -> None:
    newer = catalogue.select([1, 4])
    newer = dataclasses.replace(newer, ids=("p1", "new"), titles=("Replaced", "New"))
    joined = catalogue.with_products(newer)
    assert joined.ids == ("p0", "p2", "p3", "p4", "p1", "new")
    assert joined.titles[-2:] == ("Replaced", "New")
    assert joined.attributes["colour"][-1] == COLOURS[4]
    rows = [0, 2, 3, 4, 1, 4]
    np.testing.assert_array_equal(
        joined.tables.feature_projection, catalogue.tables.feature_projection[rows]
    )


def test_products_that_join_are_spelled_as_those_that_are_there(catalogue) -> None:
    colours = ("navy  blue", "RED", "red", "Pink", "")
    newer = dataclasses.replace(
        catalogue, attributes={**catalogue.attributes, "colour": colours}
    )
    spelled = newer.spelled_as(catalogue)
    assert spelled.attributes["colour"] == ("Navy Blue", "Red", "Red", "Pink", "")
    assert spelled.attributes["gender"] == catalogue.attributes["gender"]


def test_products_leave(catalogue) -> None:
    _same(catalogue.without(["p3", "p0"]), catalogue.select([1, 2, 4]))


@pytest.mark.parametrize(
    ("ids", "message"),
    [(["p0", "nobody"], "no product 'nobody'"), (IDS, "would remove every product")],
)
def test_what_cannot_leave_is_named(catalogue, ids, message) -> None:
    with pytest.raises(FitRankError, match=message):
        catalogue.without(ids)


def test_an_empty_catalogue_is_refused(catalogue) -> None:
    with pytest.raises(FitRankError, match="empty"):
        ServedCatalogue(catalogue.select([]))
