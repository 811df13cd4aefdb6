"""Trains the attribute network on manual labels, titles and product kinds."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from fitrank_tf.config import AttributeConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import Progress, fit_hooks
from fitrank_tf.features.attributes.network import build_attribute_network

_WARM_UP_SHARE = 0.05
_WEIGHT_DECAY = 0.05
_WHITE = 255.0
# Random crops: side of the window, in sides of the canvas.
_ZOOM = (0.82, 1.12)
# Colour jitter: deviation of the mixing matrix, and the largest log of gamma.
_COLOUR_MIX, _LIGHT = 0.12, 0.4


@dataclasses.dataclass(frozen=True)
class AttributeTable:
    """N labelled products.

    Attributes:
        canvases: uint8 [N, 96, 96, 3].
        labels: output -> int [N], the label, -1 for none.
        weights: output -> float32 [N], weight of the label in the loss, 0 for none.
        repeats: int [N], how often a product occurs in an epoch.
    """

    canvases: np.ndarray
    labels: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]
    repeats: np.ndarray


def train_attribute_network(
    table: AttributeTable,
    auxiliary_classes: dict[str, int],
    config: AttributeConfig,
    seed: int,
    backup: Path,
) -> keras.Model:
    """Trains a network from scratch, or resumes from `backup` after an interruption.

    Args:
        table: the training data.
        auxiliary_classes: {name: number of classes} of outputs beyond sleeve and neckline.
        config: batch size, epochs and learning rate.
        seed: of weights, order and augmentation.
        backup: folder for Keras' `BackupAndRestore`.

    Raises:
        FitRankError: if there are fewer products than a batch holds.
    """
    rows = np.repeat(np.arange(len(table.repeats)), table.repeats)
    steps = len(rows) // config.batch_size
    if not steps:
        raise FitRankError(
            f"{len(rows)} labelled products are less than a batch of "
            f"{config.batch_size}; label more, or set attributes.batch_size lower"
        )
    keras.utils.set_random_seed(seed)
    network = build_attribute_network(auxiliary_classes)
    total = config.epochs * steps
    warm_up = max(1, round(_WARM_UP_SHARE * total))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, total - warm_up), warmup_target=config.learning_rate,
        warmup_steps=warm_up,
    )  # fmt: skip
    network.compile(
        keras.optimizers.AdamW(schedule, weight_decay=_WEIGHT_DECAY),
        loss={
            name: keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            for name in table.labels
        },
        jit_compile=False,
    )
    with Progress("training the attributes", total, "steps") as shown:
        network.fit(
            _batches(table, rows, config, seed),
            # The batches are shuffled already.
            shuffle=False,
            epochs=config.epochs,
            steps_per_epoch=steps,
            verbose=0,
            callbacks=[
                keras.callbacks.BackupAndRestore(backup),
                keras.callbacks.LambdaCallback(**fit_hooks(shown, config.epochs)),
            ],
        )
    return network


def _batches(
    table: AttributeTable, rows: np.ndarray, config: AttributeConfig, seed: int
) -> tf.data.Dataset:
    canvases = tf.constant(table.canvases)
    labels = {name: tf.constant(np.maximum(of, 0)) for name, of in table.labels.items()}
    weights = {name: tf.constant(of) for name, of in table.weights.items()}

    def batch(
        chosen: tf.Tensor, number: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        return (
            augment_canvases(tf.gather(canvases, chosen), tf.stack([seed, number])),
            {name: tf.gather(of, chosen) for name, of in labels.items()},
            {name: tf.gather(of, chosen) for name, of in weights.items()},
        )

    return (
        tf.data.Dataset.from_tensor_slices(rows)
        .shuffle(len(rows), seed=seed)
        .batch(config.batch_size, drop_remainder=True)
        .repeat()
        .enumerate()
        .map(lambda number, chosen: batch(chosen, number), num_parallel_calls=2)
        .prefetch(2)
    )


def augment_canvases(canvases: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Crops, mirrors and recolours canvases at random; white stays white.

    Args:
        canvases: uint8 [B, S, S, 3].
        seed: int64 [2], the stateless seed of this batch.

    Returns:
        float32 [B, S, S, 3], 0..255.
    """
    batch, size = tf.shape(canvases)[0], canvases.shape[1]
    seeds = tf.random.split(seed, 5)
    sides = tf.random.stateless_uniform([batch, 2], seeds[0], *_ZOOM)
    low = (1.0 - sides) * tf.random.stateless_uniform([batch, 2], seeds[1])
    mirrored = tf.random.stateless_uniform([batch, 1], seeds[2]) < 0.5
    y1, x1 = low[:, :1], low[:, 1:]
    y2, x2 = y1 + sides[:, :1], x1 + sides[:, 1:]
    left, right = tf.where(mirrored, x2, x1), tf.where(mirrored, x1, x2)
    windows = tf.concat([y1, left, y2, right], axis=1)
    seen = tf.image.crop_and_resize(
        tf.cast(canvases, tf.float32),
        windows,
        tf.range(batch),
        [size, size],
        extrapolation_value=_WHITE,
    )
    noise = tf.random.stateless_normal([batch, 3, 3], seeds[3], stddev=_COLOUR_MIX)
    mix = tf.eye(3) + noise
    # Each column sums to 1, so that white stays white.
    mix /= tf.reduce_sum(mix, axis=1, keepdims=True)
    mixed = tf.clip_by_value(tf.einsum("bhwc,bcd->bhwd", seen, mix), 0.0, _WHITE)
    power = tf.exp(tf.random.stateless_uniform([batch, 1, 1, 1], seeds[4], -_LIGHT, _LIGHT))
    return tf.pow(mixed / _WHITE, power) * _WHITE
