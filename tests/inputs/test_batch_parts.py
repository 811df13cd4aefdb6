"""Batches in parts: every batch whole, once for each part."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.inputs.batch_parts import in_parts


def _batches() -> tf.data.Dataset:
    return tf.data.Dataset.range(12).batch(4).map(lambda rows: {"rows": rows})


@pytest.mark.parametrize("parts", [2, 4])
def test_every_batch_comes_whole_for_each_part(parts: int) -> None:
    dataset, steps = in_parts(_batches(), 3, parts)
    seen = list(dataset.as_numpy_iterator())
    assert steps == len(seen) == 3 * parts
    assert [int(one["part"][0]) for one in seen] == [*range(parts)] * 3
    for number, one in enumerate(seen):
        np.testing.assert_array_equal(one["rows"], np.arange(4) + number // parts * 4)


def test_one_part_changes_nothing() -> None:
    batches = _batches()
    assert in_parts(batches, 3, 1) == (batches, 3)
