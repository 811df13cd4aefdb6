"""Training of the towers."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from contrastive_formula import small_batch, small_config

from fitrank_tf.errors import FitRankError
from fitrank_tf.inputs.batch_parts import in_parts
from fitrank_tf.inputs.contrastive import BatchesBetween
from fitrank_tf.models.cached_contrastive import new_contrastive_model
from fitrank_tf.models.contrastive import ContrastiveModel
from fitrank_tf.models.contrastive_training import train_contrastive


def _always(batch: dict[str, np.ndarray]) -> BatchesBetween:
    """The same batch in every step."""
    return lambda first, end: tf.data.Dataset.from_tensors(batch).repeat(end - first)


def test_the_last_epochs_see_whole_photos(towers, tmp_path) -> None:
    config = small_config(patch_dropout=0.5, whole_share=0.25)
    model = ContrastiveModel(towers, None, config, seed=0)
    traced = []
    encode = model._pool_images
    model._pool_images = lambda *inputs: (
        traced.append(model.patch_dropout) or encode(*inputs)
    )
    batches = _always(small_batch(4))
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
    batches = _always(small_batch(4))
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
    batches = _always(small_batch(4))
    train_contrastive(model, batches, 1, config, tmp_path / "a", 0)
    for old, new in zip(before, model.trainable_weights):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    "fields",
    [
        {"accumulation": 2, "ema": 0.5},
        {"precision": "mixed_bfloat16"},
        {"precision": "mixed_float16", "loss": "sigmoid"},
        {"depth_dropout": 0.5, "patch_dropout": 0.5},
    ],
    ids=lambda fields: ",".join(fields),
)
def test_every_way_of_training_learns_four_pairs_by_heart(towers, tmp_path, fields) -> None:
    config = small_config(epochs=30, learning_rate=0.01, **fields)
    model = new_contrastive_model(towers, None, config, seed=0)
    batch = small_batch(4)
    before = model.compute_loss(x=batch, y_pred=model(batch))
    batches, steps = in_parts(_always(batch), 1, config.accumulation)
    train_contrastive(model, batches, steps, config, tmp_path / "a", 0)
    after = model.compute_loss(x=batch, y_pred=model(batch))
    assert float(after) < 0.5 * float(before)
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}


def test_a_loss_that_is_no_number_stops_with_a_reason(towers, tmp_path) -> None:
    config = small_config(learning_rate=0.25)
    model = ContrastiveModel(towers, None, config, seed=0)
    batch = small_batch(4)
    batch["images"][2] = np.nan
    batches = _always(batch)
    with pytest.raises(
        FitRankError, match=r"became nan in step 1 of 4.*images not finite in row 2"
    ):
        train_contrastive(model, batches, 1, config, tmp_path / "a", 0)
    assert not list(tmp_path.rglob("*.weights.h5"))
