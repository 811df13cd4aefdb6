"""A batch in parts: the loss and the step of the whole batch."""

import keras
import numpy as np
import pytest

from fitrank_tf.config import CONTRASTIVE_LOSSES, OWN_LOSS
from fitrank_tf.towers.fusion import new_fusion
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.grad_cache import GradCacheModel
from tests.towers.small_towers import small_towers
from tests.towers.training.contrastive_formula import small_batch, small_config


def _model(kind: type[ContrastiveModel], parts: int, **fields) -> ContrastiveModel:
    """One that takes plain gradient steps, so that a step shows its gradient."""
    towers = small_towers()
    fusion = new_fusion("residual", towers, np.ones((1, 5)), group_dropout=0.0, seed=0)
    config = small_config(batch_size=8, accumulation=parts, **fields)
    model = kind(towers, fusion, config, seed=0)
    steps = {"gradient_accumulation_steps": parts} if parts > 1 else {}
    model.compile(keras.optimizers.SGD(0.1, **steps), jit_compile=False)
    return model


@pytest.mark.parametrize("parts", [2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("loss", sorted({*CONTRASTIVE_LOSSES} - {OWN_LOSS}))
def test_parts_give_the_step_of_the_whole_batch(parts: int, loss: str) -> None:
    whole, cached = _model(ContrastiveModel, 1, loss=loss), None
    cached = _model(GradCacheModel, parts, loss=loss)
    for seed in (0, 1):  # the second batch finds the first one's embeddings kept
        batch = small_batch(8, seed)
        batch["product_codes"][:, 0] = np.arange(8) // 2
        batch["text_codes"][0] = 1
        expected = whole.train_on_batch(batch)
        losses = [
            cached.train_on_batch({**batch, "part": np.array([part], "int32")})
            for part in range(parts)
        ]
        cached.reset_metrics()
        whole.reset_metrics()
        np.testing.assert_allclose(losses, float(expected), rtol=1e-5)
    for one, other in zip(whole.trainable_variables, cached.trainable_variables):
        assert one.path.split("/")[-1] == other.path.split("/")[-1]
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=2e-6)
    start = _model(ContrastiveModel, 1, loss=loss).trainable_variables
    moved = [
        np.abs(np.asarray(one) - np.asarray(other)).max()
        for one, other in zip(start, whole.trainable_variables)
    ]
    assert max(moved) > 1e-2


def test_outside_training_it_is_the_plain_model() -> None:
    whole, cached = _model(ContrastiveModel, 1), _model(GradCacheModel, 2)
    batch = small_batch(8)
    for name, values in whole(batch).items():
        np.testing.assert_allclose(cached(batch)[name], values, atol=1e-6)
