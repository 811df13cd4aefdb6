"""The schedule against Keras' own."""

import keras
import numpy as np
import pytest

from fitrank_tf.towers.training.warmup_cosine import WarmupCosine


@pytest.mark.parametrize(("warmup", "decay"), [(5, 20), (1, 3), (10, 1)])
def test_the_rates_are_those_of_keras(warmup: int, decay: int) -> None:
    theirs = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=2e-5,
        decay_steps=decay,
        alpha=1e-3,
        warmup_target=2e-3,
        warmup_steps=warmup,
    )
    ours = WarmupCosine(2e-3, warmup, decay)
    steps = range(warmup + decay + 3)
    np.testing.assert_allclose(
        [float(ours(step)) for step in steps],
        [float(theirs(step)) for step in steps],
        rtol=1e-4,
        atol=1e-9,
    )
