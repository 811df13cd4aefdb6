"""Trains a `SoftmaxHead` with dropout, AdamW and cosine decay."""

from collections.abc import Sequence

import keras
import numpy as np

from fitrank_tf.config import HeadConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import Progress
from fitrank_tf.features.heads.softmax_head import SoftmaxHead, standardised

_INPUT_DROPOUT = 0.2
_LABEL_SMOOTHING = 0.05
_LEAST_SCALE = 1e-3


def train_head(
    inputs: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    config: HeadConfig,
    seed: int,
    weights: np.ndarray | None = None,
) -> SoftmaxHead:
    """Trains a head from scratch.

    Args:
        inputs: float32 [N, F].
        labels: int [N], index in `names`.
        names: of the classes.
        config: sizes and schedule.
        seed: of weights, order and dropout.
        weights: float32 [N], of the examples in the loss; all 1 if None.

    Raises:
        FitRankError: if there are no examples.
    """
    if not len(inputs):
        raise FitRankError(
            f"no product has a label of {', '.join(names)} to learn from; give a "
            "catalogue or a label file that has"
        )
    mean = inputs.mean(axis=0).astype(np.float32)
    scale = (inputs.std(axis=0) + _LEAST_SCALE).astype(np.float32)
    keras.utils.set_random_seed(seed)
    network = keras.Sequential(
        [keras.Input((inputs.shape[1],)), keras.layers.Dropout(_INPUT_DROPOUT)]
    )
    for width in config.hidden:
        network.add(keras.layers.Dense(width, "relu"))
        network.add(keras.layers.Dropout(config.dropout))
    network.add(keras.layers.Dense(len(names)))
    steps = config.epochs * -(-len(inputs) // config.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, steps)
    network.compile(
        keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=_LABEL_SMOOTHING
        ),
        jit_compile=False,
    )
    with Progress("training a head", config.epochs, "epochs") as shown:
        network.fit(
            standardised(inputs, mean, scale),
            np.eye(len(names), dtype=np.float32)[labels],
            sample_weight=weights,
            batch_size=config.batch_size,
            epochs=config.epochs,
            verbose=0,
            callbacks=[
                keras.callbacks.LambdaCallback(
                    on_epoch_end=lambda _, logs: shown.add(1, logs)
                )
            ],
        )
    arrays = [np.asarray(array, np.float32) for array in network.get_weights()]
    return SoftmaxHead(tuple(names), mean, scale, tuple(arrays[::2]), tuple(arrays[1::2]))
