"""Inputs of the pattern head, and the slice of its output."""

import numpy as np
import pytest

from fitrank_tf.datasets.annotations.label_file import PATTERNS
from fitrank_tf.features.texture.patterns import pattern_inputs, pattern_slices
from fitrank_tf.features.texture.statistics import texture_slices
from tests.features.small_colours import colours_of


@pytest.mark.parametrize("batch", [1, 3])
def test_texture_then_shares_then_how_full_each_place_is(batch) -> None:
    colours = colours_of(batch)
    width = texture_slices()[-1].stop
    texture = np.random.default_rng(1).random((batch, width)).astype(np.float32)
    inputs = pattern_inputs(texture, colours)
    assert inputs.shape == (batch, width + 5 + 16)
    assert inputs.dtype == np.float32
    for row in range(batch):
        fill = [place[3] for place in colours.grid[row]]
        expected = [*texture[row], *colours.shares[row], *fill]
        np.testing.assert_array_equal(inputs[row], expected)


def test_the_slice_has_a_probability_for_each_pattern() -> None:
    (part,) = pattern_slices()
    assert (part.start, part.stop) == (0, len(PATTERNS))
    assert part.group == "texture"
    assert part.meaning.split(", ") == list(PATTERNS)
    assert (part.low, part.high) == (0.0, 1.0)
