"""This project's towers in the tower benchmark, on the backend that `KERAS_BACKEND` names.

`python -m benchmarks.towers.keras_clip FOLDER` is started by `benchmarks.towers.benchmark`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from benchmarks.benchmark_process import Operation, serve_operations
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


def keras_operations(folder: Path) -> Mapping[str, Operation]:
    """The operations of `benchmarks.towers.work` with this project's models.

    Args:
        folder: directory with a checkpoint and a batch.

    Returns:
        {name: operation}.
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
        IMAGE_STEP: lambda: np.array(image_tower.train_on_batch(batch.images), np.float64),
        TEXT_STEP: lambda: np.array(text_tower.train_on_batch(batch.token_ids), np.float64),
        # The adapters and the temperature.
        TRAINED: lambda: np.array(adapted.trainable + 1),
    }


def _training_step(towers: Towers, batch: Batch) -> Operation:
    size = len(batch.images)
    config = ContrastiveConfig(batch_size=size)
    model = ContrastiveModel(towers, None, config, seed=0)
    _compile(model, keras.optimizers.AdamW(LEARNING_RATE, weight_decay=WEIGHT_DECAY))
    inputs = {
        "images": batch.images,
        "token_ids": batch.token_ids,
        # All products distinct, and texts that name no facet.
        "groups": np.arange(size, dtype=np.int32),
        "product_codes": np.zeros((size, 1), np.int32),
        "text_codes": np.zeros((size, 1), np.int32),
    }
    return lambda: np.array(model.train_on_batch(inputs), np.float64)


class _OneTower(keras.Model):
    """A single tower with a loss of negligible cost.

    Args:
        layers: layers of the tower, whose trainable variables get a gradient.
        encode: maps the tower's inputs to unit embeddings [B, D].
    """

    def __init__(self, layers: list[keras.layers.Layer], encode: Callable[[Any], Any]):
        super().__init__(name="one_tower")
        self.tower_layers = layers
        self._encode = encode
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Returns unit embeddings [B, D]."""
        return self._encode(inputs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns the mean of all elements of the embeddings, a scalar."""
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
    # A learning rate of 0: the step is timed but changes no weight.
    _compile(model, keras.optimizers.SGD(0.0))
    return model


def _compile(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """Compiles as training does on a CPU: with XLA only for JAX, which is slow without."""
    model.compile(optimizer=optimizer, jit_compile=keras.backend.backend() == "jax")


if __name__ == "__main__":
    serve_operations(keras_operations)
