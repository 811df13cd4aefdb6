"""Dropout before the adapters: only in training, and only of the adapter's inputs."""

import numpy as np
import pytest

from fitrank_tf.config import LoraConfig
from fitrank_tf.towers.lora import apply_lora
from fitrank_tf.towers.presets import towers_from_preset
from tests.towers.small_towers import embed, small_towers

PROJECTIONS = pytest.mark.parametrize("target", ["query", "output", "mlp"])


def _adapted(target: str, dropout: float):
    """Towers whose adapters have learned something, and one adapted projection."""
    towers, generator = small_towers(), np.random.default_rng(0)
    config = LoraConfig(rank=2, alpha=6.0, targets=(target,), dropout=dropout)
    adapted = apply_lora(towers.backbone, config)
    for variable in towers.backbone.trainable_variables:
        variable.assign(generator.normal(scale=0.3, size=variable.shape))
    return towers, next(iter(adapted.layers.values()))


@PROJECTIONS
def test_without_training_it_is_the_layer_without_dropout(images, target) -> None:
    with_dropout, _ = _adapted(target, 0.5)
    plain, _ = _adapted(target, 0.0)
    for one, other in zip(embed(with_dropout, images), embed(plain, images)):
        np.testing.assert_array_equal(one, other)


@PROJECTIONS
def test_in_training_the_adapter_misses_a_share_of_its_inputs(target) -> None:
    """The mean of many draws is the plain layer; one draw is W x + s B A m(x) / (1 - p)."""
    _, layer = _adapted(target, 0.25)
    per_head = (2, 12) if target == "output" else (24,)
    inputs = np.ones((1, 1, *per_head), "float32")
    drawn = np.stack([np.asarray(layer(inputs, training=True)) for _ in range(400)])
    plain = np.asarray(layer(inputs, training=False))
    spread = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - plain) < 5 * spread + 1e-4).all()
    assert drawn.std(axis=0).max() > 0.1


def test_with_nearly_all_inputs_dropped_the_adapter_has_no_effect() -> None:
    _, layer = _adapted("mlp", 0.999999)
    inputs = np.random.default_rng(1).normal(size=(2, 3, 24)).astype("float32")
    frozen = inputs @ np.asarray(layer._kernel) + np.asarray(layer.bias)
    np.testing.assert_allclose(layer(inputs, training=True), frozen, atol=1e-5)


def test_dropout_does_not_change_the_saved_layer(images, tmp_path) -> None:
    towers, _ = _adapted("query", 0.5)
    towers.save_to_preset(tmp_path / "preset")
    loaded = towers_from_preset(str(tmp_path / "preset"), 10)
    for one, other in zip(embed(towers, images), embed(loaded, images)):
        np.testing.assert_allclose(other, one, atol=1e-5)
