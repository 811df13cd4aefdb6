"""Two training steps of small towers on whatever backend Keras has; run as a program.

Reads the starting weights and the batches from an npz, prints the losses and writes the
weights after the steps: `KERAS_BACKEND=jax python one_step.py start.npz end.npz LOSS`.
"""

import sys

import keras
import numpy as np

from fitrank_tf.config import OWN_LOSS, LoraConfig
from fitrank_tf.towers.checkpoints.convert import towers_from_checkpoint
from fitrank_tf.towers.fusion import new_fusion
from fitrank_tf.towers.lora import apply_lora
from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from tests.towers.checkpoints.small_checkpoints import FOLDER
from tests.towers.small_towers import small_towers
from tests.towers.training.contrastive_formula import small_batch, small_config

STEPS = 2


def small_model(loss: str, fusion: str) -> ContrastiveModel:
    """The fine-tuning's model: adapters and fusion on frozen towers; "own" is SigLIP's."""
    towers = _siglip() if loss == OWN_LOSS else small_towers()
    apply_lora(towers.backbone, LoraConfig(rank=2, targets=("query", "mlp")))
    fused = new_fusion(
        fusion, towers, np.repeat(np.eye(2), [2, 3], axis=1), group_dropout=0.0, seed=0
    )
    model = ContrastiveModel(towers, fused, small_config(loss=loss), seed=0)
    # Operation by operation JAX takes minutes, and compiled TensorFlow does.
    is_jax = keras.backend.backend() == "jax"
    model.compile(keras.optimizers.AdamW(0.01), jit_compile=is_jax)
    return model


def _siglip() -> Towers:
    """For the batches of 32 px."""
    return towers_from_checkpoint(FOLDER / "siglip", 16).with_image_size(32)


def take_steps(model: ContrastiveModel) -> list[float]:
    """The losses of the steps, each on its own batch."""
    losses = []
    for seed in range(STEPS):
        batch = small_batch(6, seed)
        text, ids = model.backbone.text_encoder, batch["token_ids"]
        ids = np.resize(ids, (len(ids), text.max_sequence_length))
        batch["token_ids"] = ids % text.vocabulary_size
        losses.append(float(model.train_on_batch(batch)))
        model.reset_metrics()
    return losses


def main(start: str, end: str, loss: str, fusion: str) -> None:
    """See the module."""
    model = small_model(loss, fusion)
    with np.load(start) as arrays:
        for number, variable in enumerate(model.weights):
            variable.assign(arrays[f"arr_{number}"])
    print(keras.backend.backend(), *take_steps(model))
    np.savez(end, *[np.asarray(variable) for variable in model.trainable_variables])


if __name__ == "__main__":
    main(*sys.argv[1:])
