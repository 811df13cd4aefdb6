"""The contrastive model: the terms of its loss."""

import keras
import numpy as np
import pytest

from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.feature_prediction import FeaturePrediction
from tests.towers.training.contrastive_formula import (
    info_nce_formula,
    small_batch,
    small_config,
)


def test_a_fitting_pair_is_no_negative(towers) -> None:
    """The loss is that of the formula with the pair taken out."""
    model = ContrastiveModel(towers, None, small_config(), seed=0)
    batch = small_batch(4)
    batch["product_codes"][:] = [[1], [1], [2], [3]]
    batch["text_codes"][0] = 1
    seen = model(batch)
    hidden = np.eye(4, dtype=bool)
    hidden[1, 0] = True  # product 1 is as red as the text of product 0 asks for
    expected = info_nce_formula(
        np.asarray(seen["image"]), np.asarray(seen["text"]), 1 / 0.07, hidden
    )
    loss = float(model.compute_loss(x=batch, y_pred=seen))
    assert loss == pytest.approx(expected, rel=1e-4)


def test_the_prediction_adds_its_error_to_the_loss(towers) -> None:
    """The head's network is numpy here; the targets are the features' z-scores."""
    keras.utils.set_random_seed(3)
    batch = small_batch(4)
    prediction = FeaturePrediction(hidden=7)
    prediction.build((None, 24), (None, 5))
    prediction.adapt(batch["features"])
    config = small_config(feature_weight=0.5)
    model = ContrastiveModel(towers, None, config, seed=0, prediction=prediction)
    seen = model(batch)
    pooled = towers.pool_images(batch["images"])
    predicted = keras.ops.gelu(keras.ops.matmul(pooled, prediction.widen.kernel))
    predicted = np.asarray(predicted) @ np.asarray(prediction.tell.kernel)
    features = batch["features"]
    wanted = (features - features.mean(axis=0)) / features.std(axis=0)
    off = np.mean((predicted - wanted) ** 2)
    own = info_nce_formula(
        np.asarray(seen["image"]), np.asarray(seen["text"]), 1 / 0.07, np.eye(4, dtype=bool)
    )
    loss = float(model.compute_loss(x=batch, y_pred=seen))
    assert loss == pytest.approx(own + 0.5 * off, rel=1e-4)


def test_both_texts_of_mixed_photos_are_positives(towers) -> None:
    """In a training step only; inference does not mix photos."""
    config = small_config(mixup=0.4)
    model = ContrastiveModel(towers, None, config, seed=0)
    batch = small_batch(4)
    plain, mixed = model(batch), model(batch, training=True)
    assert set(plain) == {"image", "text"} and set(mixed) == {"image", "text", "share"}
    share = float(mixed["share"])
    assert 0.5 <= share < 1.0
    pictures = batch["images"]
    expected = towers.encode_images(share * pictures + (1 - share) * pictures[::-1])
    np.testing.assert_allclose(mixed["image"], expected, atol=1e-5)
    hidden = np.eye(4, dtype=bool)[::-1]
    scale = float(np.exp(model.log_scale))
    image, text = np.asarray(mixed["image"]), np.asarray(mixed["text"])
    own = info_nce_formula(image, text, scale, hidden)
    other = info_nce_formula(image, text[::-1], scale, hidden)
    loss = float(model.compute_loss(x=batch, y_pred=mixed))
    np.testing.assert_allclose(loss, share * own + (1 - share) * other, rtol=1e-4)
