"""Training of the towers."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from contrastive_formula import small_batch, small_config

from fitrank_tf.models.contrastive import ContrastiveModel
from fitrank_tf.models.contrastive_training import train_contrastive


def test_the_last_epochs_see_whole_photos(towers, tmp_path) -> None:
    config = small_config(patch_dropout=0.5, whole_share=0.25)
    model = ContrastiveModel(towers, None, config, seed=0)
    traced = []
    encode = model._pool_images
    model._pool_images = lambda images, training: (
        traced.append(model.patch_dropout) or encode(images, training)
    )
    batches = tf.data.Dataset.from_tensors(small_batch(4)).repeat(2)
    history = train_contrastive(model, batches, 2, config, tmp_path / "backup", verbose=0)
    # Traced once with the dropout, and once more without.
    assert sorted(set(traced)) == [0.0, 0.5]
    assert model.patch_dropout == 0.0
    assert len(history.history["loss"]) == 4
    assert all(math.isfinite(loss) for loss in history.history["loss"])


@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_the_moving_average_is_what_is_kept(towers, tmp_path, momentum) -> None:
    """Averaged by hand over the weights that each step left."""
    config = small_config(ema=momentum)
    model = ContrastiveModel(towers, None, config, seed=0)
    steps = []
    keep = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: steps.append(
            np.asarray(model.backbone.vision_projection.kernel)
        )
    )
    batches = tf.data.Dataset.from_tensors(small_batch(4))
    train_contrastive(model, batches, 1, config, tmp_path / "a", 0, [keep])
    average = steps[0]
    for weights in steps[1:]:
        average = momentum * average + (1 - momentum) * weights
    assert len(steps) == 4
    kept = np.asarray(model.backbone.vision_projection.kernel)
    np.testing.assert_allclose(kept, average, atol=1e-6)
    assert np.abs(kept - steps[-1]).max() > 1e-4


def test_no_epochs_leave_the_towers_as_they_are(towers, tmp_path) -> None:
    config = small_config(epochs=0)
    model = ContrastiveModel(towers, None, config, seed=0)
    before = [np.asarray(weight) for weight in model.trainable_weights]
    batches = tf.data.Dataset.from_tensors(small_batch(4))
    train_contrastive(model, batches, 1, config, tmp_path / "a", 0)
    for old, new in zip(before, model.trainable_weights):
        np.testing.assert_array_equal(old, new)
