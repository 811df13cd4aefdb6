"""Numbers beside those of their list, against NumPy on the real candidates alone."""

import numpy as np
import pytest
import scipy.stats

from fitrank_tf.rerank.list_statistics import (
    gap_to_best,
    less_list_mean,
    list_mean,
    list_z_scores,
)

B, L, N = 4, 6, 3
# The last list is padding alone, and whatever stands in padding must not matter.
MASK = np.arange(L) < np.array([[6], [4], [1], [0]])
VALUES = np.random.default_rng(0).normal(size=(B, L, N)).astype("float32")
VALUES[~MASK] = 1e6


@pytest.mark.parametrize(
    ("run", "reference"),
    [
        (less_list_mean, lambda real: real - real.mean(axis=0)),
        (gap_to_best, lambda real: real - real.max(axis=0)),
        (list_z_scores, scipy.stats.zscore),
    ],
)
def test_real_candidates_are_beside_each_other_alone(run, reference) -> None:
    found = run(VALUES, MASK).numpy()
    assert found.dtype == np.float32 and not found[~MASK].any()
    for row in (0, 1):
        expected = reference(VALUES[row, MASK[row]].astype(float))
        np.testing.assert_allclose(found[row, MASK[row]], expected, atol=1e-4)
    np.testing.assert_array_equal(found[2], 0.0)


def test_the_mean_of_nothing_is_zero() -> None:
    means = list_mean(VALUES, MASK).numpy()
    assert means.shape == (B, 1, N)
    for row, inside in enumerate(MASK):
        expected = VALUES[row, inside].mean(axis=0) if inside.any() else np.zeros(N)
        np.testing.assert_allclose(means[row, 0], expected, rtol=1e-5)
