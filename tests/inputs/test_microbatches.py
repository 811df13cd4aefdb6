"""Microbatches: every batch is repeated whole, once for each part."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.inputs.microbatches import split_into_microbatches


def _batches(first: int, end: int) -> tf.data.Dataset:
    rows = tf.data.Dataset.range(first * 4, end * 4).batch(4)
    return rows.map(lambda rows: {"rows": rows})


@pytest.mark.parametrize("parts", [2, 4])
def test_every_batch_is_repeated_for_each_part(parts: int) -> None:
    between, steps = split_into_microbatches(_batches, 3, parts)
    seen = list(between(0, steps).as_numpy_iterator())
    assert steps == len(seen) == 3 * parts
    assert [int(one["part"][0]) for one in seen] == [*range(parts)] * 3
    for number, one in enumerate(seen):
        np.testing.assert_array_equal(one["rows"], np.arange(4) + number // parts * 4)


def test_one_part_changes_nothing() -> None:
    assert split_into_microbatches(_batches, 3, 1) == (_batches, 3)


@pytest.mark.parametrize(("first", "end"), [(0, 1), (1, 2), (3, 8), (4, 6), (5, 12)])
def test_a_range_of_steps_may_begin_and_end_inside_a_batch(first: int, end: int) -> None:
    def listed(first: int, end: int) -> list[tuple[int, int]]:
        between, _ = split_into_microbatches(_batches, 3, 4)
        seen = between(first, end).as_numpy_iterator()
        return [(int(one["part"][0]), int(one["rows"][0])) for one in seen]

    assert listed(first, end) == listed(0, 12)[first:end]
    assert len(listed(first, end)) == end - first
