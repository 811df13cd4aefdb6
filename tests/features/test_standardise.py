"""Features of mean 0 and standard deviation 1, against SciPy's z-scores."""

import keras
import numpy as np
import pytest
import scipy.stats

from fitrank_tf.features.standardise import (
    mean_and_inverse_scale,
    standardise,
    standardise_by_inverse,
)


def test_z_scores_and_zeros_for_constant_features() -> None:
    features = np.random.default_rng(0).normal(5.0, 3.0, (100, 4)).astype("float32")
    features[:, 1] = 0.25
    mean, inverse_scale = mean_and_inverse_scale(features)
    scaled = standardise_by_inverse(features, mean, inverse_scale)
    expected = scipy.stats.zscore(features.astype(float))
    np.testing.assert_allclose(scaled[:, [0, 2, 3]], expected[:, [0, 2, 3]], atol=1e-4)
    assert (scaled[:, 1] == 0.0).all() and inverse_scale.dtype == np.float32


@pytest.mark.parametrize("array", [np.asarray, keras.ops.convert_to_tensor])
@pytest.mark.parametrize(
    ("run", "scale"), [(standardise, 2.0), (standardise_by_inverse, 0.5)]
)
def test_values_are_clipped_at_five_in_any_library(run, scale, array) -> None:
    values = array(np.float32([[1.0, 4.0, 11.5, 1e6, -1e6]]))
    found = run(values, np.float32(1.0), np.float32(scale))
    assert isinstance(found, type(values))
    np.testing.assert_array_equal(found, [[0.0, 1.5, 5.0, 5.0, -5.0]])
