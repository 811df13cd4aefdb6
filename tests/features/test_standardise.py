"""Features of mean 0 and spread 1."""

import numpy as np
import scipy.stats

from fitrank_tf.features.standardise import standard_scale


def test_it_gives_z_scores_and_silences_what_never_varies() -> None:
    features = np.random.default_rng(0).normal(5.0, 3.0, (100, 4)).astype("float32")
    features[:, 1] = 0.25
    mean, scale = standard_scale(features)
    scaled = (features - mean) * scale
    expected = scipy.stats.zscore(features.astype(float))
    np.testing.assert_allclose(scaled[:, [0, 2, 3]], expected[:, [0, 2, 3]], atol=1e-4)
    assert (scaled[:, 1] == 0.0).all() and scale.dtype == np.float32
