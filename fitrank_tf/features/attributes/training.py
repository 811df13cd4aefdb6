"""Training the attribute network on labels by eye, on titles, and on product kinds."""

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
# A window of the canvas is larger or smaller by these shares, never the same twice.
_ZOOM = (0.82, 1.12)
_COLOUR_MIX, _LIGHT = 0.12, 0.4


@dataclasses.dataclass(frozen=True)
class AttributeTable:
    """N labelled products.

    Attributes:
        canvases: uint8 [N, 96, 96, 3].
        answers: question -> int [N], the label, -1 for none.
        trust: question -> float32 [N], weight of the label in the loss, 0 for none.
        times: int [N], how often a product comes in an epoch.
    """

    canvases: np.ndarray
    answers: Mapping[str, np.ndarray]
    trust: Mapping[str, np.ndarray]
    times: np.ndarray


def train_attribute_network(
    table: AttributeTable,
    extra_answers: dict[str, int],
    config: AttributeConfig,
    seed: int,
    backup: Path,
) -> keras.Model:
    """Trains a network from nothing; goes on from `backup` if it was interrupted.

    Args:
        table: what to learn.
        extra_answers: {name: classes} of the questions beyond sleeve and neckline.
        config: the schedule.
        seed: of the weights, the order and the augmentation.
        backup: folder for Keras' `BackupAndRestore`.

    Raises:
        FitRankError: if there are fewer products than a batch holds.
    """
    rows = np.repeat(np.arange(len(table.times)), table.times)
    steps = len(rows) // config.batch_size
    if not steps:
        raise FitRankError(
            f"{len(rows)} labelled products are less than a batch of "
            f"{config.batch_size}; label more, or set attributes.batch_size lower"
        )
    keras.utils.set_random_seed(seed)
    network = build_attribute_network(extra_answers)
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
            for name in table.answers
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
    answers = {name: tf.constant(np.maximum(of, 0)) for name, of in table.answers.items()}
    trust = {name: tf.constant(of) for name, of in table.trust.items()}

    def batch(
        chosen: tf.Tensor, number: tf.Tensor
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        return (
            augment_canvases(tf.gather(canvases, chosen), tf.stack([seed, number])),
            {name: tf.gather(of, chosen) for name, of in answers.items()},
            {name: tf.gather(of, chosen) for name, of in trust.items()},
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
    """Another window, mirrored at random, in other colours; white stays white.

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
    # Each column sums to 1: of white comes white.
    mix /= tf.reduce_sum(mix, axis=1, keepdims=True)
    mixed = tf.clip_by_value(tf.einsum("bhwc,bcd->bhwd", seen, mix), 0.0, _WHITE)
    power = tf.exp(tf.random.stateless_uniform([batch, 1, 1, 1], seeds[4], -_LIGHT, _LIGHT))
    return tf.pow(mixed / _WHITE, power) * _WHITE
