"""The auxiliary prediction of the features: its loss."""

import numpy as np
import pytest

from fitrank_tf.towers.training.feature_prediction import FeaturePrediction


@pytest.fixture
def features() -> np.ndarray:
    drawn = np.random.default_rng(0).normal(3.0, 2.0, (50, 4)).astype("float32")
    drawn[:, 2] = 7.0  # never varies
    return drawn


def test_predicting_the_mean_has_the_variance_as_its_loss(features) -> None:
    prediction = FeaturePrediction(hidden=3)
    prediction.build((None, 6), (None, 4))
    prediction.adapt(features)
    prediction.tell.kernel.assign(np.zeros((3, 4)))
    off = np.asarray(prediction(np.ones((50, 6), "float32"), features))
    # Three features of variance 1 after scaling, and one that never varies.
    assert off.mean() == pytest.approx(3 / 4, rel=1e-4)


def test_far_off_features_are_clipped(features) -> None:
    prediction = FeaturePrediction(hidden=3)
    prediction.build((None, 6), (None, 4))
    prediction.adapt(features)
    prediction.tell.kernel.assign(np.zeros((3, 4)))
    far = np.full((1, 4), 1e6, "float32")
    off = np.asarray(prediction(np.ones((1, 6), "float32"), far))
    np.testing.assert_allclose(off, 3 * 25 / 4, rtol=1e-5)
