"""The feature vector's layout: what it refuses, and that it survives JSON."""

import dataclasses

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.features.colour.names import colour_name_slices
from fitrank_tf.features.colour.palette import colour_slices
from fitrank_tf.features.extract import feature_schema
from fitrank_tf.features.schema import FeatureSchema, FeatureSlice


def _slice(name: str, start: int, stop: int, group: str = "boxes") -> FeatureSlice:
    return FeatureSlice(name, group, start, stop, f"the {name}", "pixels", 0.0, 1.0)


SCHEMA = FeatureSchema((_slice("a", 0, 2), _slice("b", 2, 3, "colour"), _slice("c", 3, 6)))


@pytest.mark.parametrize(
    ("slices", "message"),
    [
        ((), "at least one"),
        ((_slice("a", 1, 2),), "'a' starts at 1, not at 0"),
        ((_slice("a", 0, 2), _slice("b", 3, 4)), "'b' starts at 3, not at 2"),
        ((_slice("a", 0, 2), _slice("b", 1, 4)), "'b' starts at 1, not at 2"),
        ((_slice("a", 0, 2), _slice("a", 2, 4)), "two feature slices are named 'a'"),
    ],
)
def test_bad_layouts_are_refused(slices, message) -> None:
    with pytest.raises(ValueError, match=message):
        FeatureSchema(slices)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stop": 0}, "start < stop"),
        ({"start": -1}, "start < stop"),
        ({"low": 1.0}, "low < high"),
        ({"high": -1.0}, "low < high"),
        ({"name": ""}, "needs a name"),
        ({"group": ""}, "needs a name and a group"),
    ],
)
def test_bad_slices_are_refused(changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(_slice("a", 0, 2), **changes)


def test_names_groups_and_masks_say_where_the_numbers_are() -> None:
    assert SCHEMA.size == 6
    assert SCHEMA.groups == ("boxes", "colour")
    assert SCHEMA.slice("c") == slice(3, 6)
    np.testing.assert_array_equal(SCHEMA.group_mask(["boxes"]), [1, 1, 0, 1, 1, 1])
    np.testing.assert_array_equal(SCHEMA.group_mask([]), np.zeros(6))
    with pytest.raises(FitRankError, match="unknown feature group 'texture'"):
        SCHEMA.group_mask(["boxes", "texture"])


def test_joined_moves_each_part_behind_the_last() -> None:
    joined = FeatureSchema.joined([_slice("a", 0, 2)], [_slice("b", 0, 3)])
    assert [(part.start, part.stop) for part in joined.slices] == [(0, 2), (2, 5)]


def test_bounds_are_repeated_for_each_number() -> None:
    rows = [("a", 2, "", "", -1.0, 0.5), ("b", 1, "", "", 0.0, 3.0)]
    schema = FeatureSchema(FeatureSlice.consecutive("boxes", rows))
    low, high = schema.bounds()
    assert (low.tolist(), high.tolist()) == ([-1, -1, 0], [0.5, 0.5, 3])
    assert low.dtype == high.dtype == np.float32
    assert [part.size for part in schema.slices] == [2, 1]
    assert [part.start for part in schema.slices] == [0, 2]


def test_json_keeps_everything() -> None:
    assert FeatureSchema.from_json(SCHEMA.to_json()) == SCHEMA


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"name": "a"}]', "[]"])
def test_json_that_is_no_schema_is_named(text) -> None:
    with pytest.raises(FitRankError, match="feature schema cannot be read"):
        FeatureSchema.from_json(text)


@pytest.mark.parametrize(
    ("saved", "difference"),
    [
        ((_slice("a", 0, 2), _slice("x", 2, 3, "colour"), _slice("c", 3, 6)), "'b'.*'x'"),
        ((_slice("a", 0, 2), _slice("b", 2, 3), _slice("c", 3, 6)), "group of slice 'b'"),
        ((_slice("a", 0, 1), _slice("b", 1, 2), _slice("c", 2, 6)), "stop of slice 'a'"),
        (SCHEMA.slices[:2], "'c' is missing"),
        ((*SCHEMA.slices, _slice("d", 6, 7)), "'d' is too much"),
    ],
)
def test_the_first_difference_is_named(saved, difference) -> None:
    SCHEMA.check(SCHEMA)
    with pytest.raises(FitRankError, match=difference):
        SCHEMA.check(FeatureSchema(saved))


def test_the_layout_of_the_extracted_vectors() -> None:
    schema = feature_schema()
    assert schema.groups == ("boxes", "colour", "texture", "attributes", "appearance")
    assert FeatureSchema.from_json(schema.to_json()) == schema
    masks = [schema.group_mask([group]) for group in schema.groups]
    np.testing.assert_array_equal(np.sum(masks, axis=0), np.ones(schema.size))
    colour = FeatureSchema.joined(colour_slices(), colour_name_slices())
    assert masks[1].sum() == colour.size
    with pytest.raises(FitRankError, match="name of slice 'garment_box'"):
        schema.check(colour)
