"""Our side of the tower benchmark, on the backend that `KERAS_BACKEND` names.

`python -m benchmarks.towers.keras_clip FOLDER`, started by `tower_benchmark`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
from keras import ops

from benchmarks.benchmark_process import Way, answer_requests
from benchmarks.towers.work import (
    IMAGE_STEP,
    IMAGES,
    LEARNING_RATE,
    LORA,
    TEXT_STEP,
    TEXTS,
    TRAIN,
    TRAINED,
    WEIGHT_DECAY,
    Batch,
)
from fitrank_tf.config import ContrastiveConfig
from fitrank_tf.towers.lora import apply_lora
from fitrank_tf.towers.presets import towers_from_preset
from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.training.contrastive import ContrastiveModel


def keras_ways(folder: Path) -> Mapping[str, Way]:
    """The ways of `tower_work`, by our models.

    Args:
        folder: with a checkpoint and a batch.
    """
    batch = Batch.load(folder)
    towers = towers_from_preset(str(folder), batch.token_ids.shape[1])
    adapted = apply_lora(towers.backbone, LORA)
    train = _training_step(towers, batch)
    image_tower, text_tower = _image_tower(towers), _text_tower(towers)
    return {
        TRAIN: train,
        IMAGES: lambda: image_tower.predict_on_batch(batch.images),
        TEXTS: lambda: text_tower.predict_on_batch(batch.token_ids),
        IMAGE_STEP: lambda: np.float64(image_tower.train_on_batch(batch.images)),
        TEXT_STEP: lambda: np.float64(text_tower.train_on_batch(batch.token_ids)),
        # The temperature is learned beside the adapters.
        TRAINED: lambda: np.array(adapted.trainable + 1),
    }


def _training_step(towers: Towers, batch: Batch) -> Way:
    size = len(batch.images)
    config = ContrastiveConfig(batch_size=size)
    model = ContrastiveModel(towers, None, config, seed=0)
    _compile(model, keras.optimizers.AdamW(LEARNING_RATE, weight_decay=WEIGHT_DECAY))
    inputs = {
        "images": batch.images,
        "token_ids": batch.token_ids,
        # No two products alike, and texts that ask for nothing.
        "groups": np.arange(size, dtype=np.int32),
        "product_codes": np.zeros((size, 1), np.int32),
        "text_codes": np.zeros((size, 1), np.int32),
    }
    return lambda: np.float64(model.train_on_batch(inputs))


class _OneTower(keras.Model):
    """One tower under a loss that costs nothing.

    Args:
        layers: of the tower; their trainable variables get a gradient.
        encode: from the tower's inputs to unit embeddings.
    """

    def __init__(self, layers: list[keras.layers.Layer], encode: Callable):
        super().__init__(name="one_tower")
        self.tower_layers = layers
        self._encode = encode
        self.built = True

    def call(self, inputs):
        """Unit embeddings [B, D]."""
        return self._encode(inputs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The mean embedding's mean."""
        return ops.mean(y_pred)


def _image_tower(towers: Towers) -> keras.Model:
    backbone = towers.backbone
    layers = [backbone.vision_encoder, backbone.vision_pooler, backbone.vision_projection]
    return _without_learning(_OneTower(layers, towers.encode_images))


def _text_tower(towers: Towers) -> keras.Model:
    backbone = towers.backbone
    layers = [backbone.text_encoder, backbone.text_pooler, backbone.text_projection]
    return _without_learning(_OneTower(layers, towers.encode_tokens))


def _without_learning(model: keras.Model) -> keras.Model:
    # The step of a tower alone is to be timed, not taken.
    _compile(model, keras.optimizers.SGD(0.0))
    return model


def _compile(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """As `contrastive_training` does it on a CPU; JAX is slow where nothing is compiled."""
    model.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")


if __name__ == "__main__":
    answer_requests(keras_ways)
