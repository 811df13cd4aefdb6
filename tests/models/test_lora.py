"""LoRA: what is trained, what stays, what is merged."""

import keras
import numpy as np
import pytest
from small_towers import embed

from fitrank_tf.config import LoraConfig
from fitrank_tf.errors import FitRankError
from fitrank_tf.models.lora import apply_lora
from fitrank_tf.models.towers import towers_from_preset


@pytest.mark.parametrize(
    ("targets", "layers", "trained"),
    # Keras factors a kernel [width, 2 heads, width / 2] as A [width, 2, rank] and
    # B [rank, width / 2]: at rank 2, 96 + 24 in each of 2 image blocks (width 24)
    # and 64 + 16 in the text block (width 16).
    [(("query",), 3, 2 * (96 + 24) + 64 + 16), (("query", "value"), 6, 640)],
)
def test_lora_trains_the_adapters_alone(towers, images, targets, layers, trained) -> None:
    before = embed(towers, images)
    adapted = apply_lora(towers.backbone, LoraConfig(rank=2, targets=targets))
    assert len(adapted.layers) == layers
    names = {
        variable.path.split("/")[-1] for variable in towers.backbone.trainable_variables
    }
    assert names == {"lora_kernel_a", "lora_kernel_b"}
    assert adapted.trainable == trained
    for base, started in zip(before, embed(towers, images)):
        np.testing.assert_allclose(started, base, atol=1e-6)


def test_merged_adapters_give_equal_embeddings(towers, images, tmp_path) -> None:
    base = embed(towers, images)
    apply_lora(towers.backbone, LoraConfig(rank=2))
    generator = np.random.default_rng(5)
    for variable in towers.backbone.trainable_variables:
        variable.assign(generator.normal(scale=0.3, size=variable.shape))
    tuned = embed(towers, images)
    towers.save_to_preset(tmp_path / "preset")
    merged = embed(towers_from_preset(str(tmp_path / "preset"), 10), images)
    assert np.abs(tuned[0] - base[0]).max() > 1e-3
    for one, other in zip(tuned, merged):
        np.testing.assert_allclose(other, one, atol=1e-5)


def test_lora_without_a_match_is_refused() -> None:
    class Bare:
        name = "bare"
        weights = ()

        def _flatten_layers(self):
            return [keras.layers.Dense(2, name="other")]

    with pytest.raises(FitRankError, match="match no layer"):
        apply_lora(Bare(), LoraConfig())
