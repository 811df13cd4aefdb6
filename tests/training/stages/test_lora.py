"""Measures of the fine-tuning stage."""

import numpy as np
import pytest

from fitrank_tf.training.stages.lora import mean_reciprocal_rank


@pytest.mark.parametrize(
    ("scores", "groups", "expected"),
    [
        ([[3, 2, 1], [1, 3, 2], [2, 1, 3]], [0, 1, 2], 1.0),
        ([[1, 2, 3], [3, 2, 1], [2, 3, 1]], [0, 1, 2], (1 / 3 + 1 / 2 + 1 / 3) / 3),
        # The first two have one title: either answers.
        ([[1, 3, 2], [3, 1, 2], [3, 2, 1]], [0, 0, 2], (1 + 1 + 1 / 3) / 3),
    ],
)
def test_mean_reciprocal_rank(scores, groups, expected: float) -> None:
    found = mean_reciprocal_rank(np.array(scores, np.float32), np.array(groups))
    assert found == pytest.approx(expected)
