"""Training steps on several virtual CPU devices or in several processes; a program.

`python replica_steps.py STRATEGY DEVICES LOSS FOLDER` writes FOLDER/spread.npz: the running
means of the loss after each step, and the weights and the optimizer's moments at the end.
DEVICES are this process' virtual ones. Prints how many replicas there were.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from fitrank_tf.towers.fusion import new_fusion
from fitrank_tf.towers.training.callbacks import TensorBoardLog
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.feature_prediction import FeaturePrediction
from fitrank_tf.towers.training.loop import train_contrastive
from fitrank_tf.towers.training.strategies import strategy_named
from tests.towers.small_towers import quick_towers
from tests.towers.training.contrastive_formula import small_batch, small_config

STEPS, PAIRS = 3, 8


def batches(first: int, end: int) -> tf.data.Dataset:
    """The global batches of some steps."""
    rows = [global_batch(step) for step in range(first, end)]
    return tf.data.Dataset.from_tensor_slices(
        {name: np.stack([batch[name] for batch in rows]) for name in rows[0]}
    )


def global_batch(step: int) -> dict[str, np.ndarray]:
    """Pairs that must not be negatives of each other lie on different devices."""
    batch = small_batch(PAIRS, seed=step)
    batch["groups"] = np.arange(PAIRS, dtype="int32") % 5
    batch["product_codes"] = np.arange(PAIRS, dtype="int32")[:, None] % 3 + 1
    batch["text_codes"][PAIRS // 2 :] = 2
    return batch


def take_steps(loss: str, folder: Path) -> dict[str, np.ndarray]:
    """What became of a training, under the strategy whose scope it is called in."""
    config = small_config(
        epochs=1,
        batch_size=PAIRS,
        loss=loss,
        feature_weight=0.5,
        ema=0.5,
        # Where AdamW's steps are large, rounding errors grow from step to step.
        learning_rate=1e-4,
    )
    model = _new_model(config)
    losses = []
    keep = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: losses.append(logs["loss"])
    )
    board = TensorBoardLog(folder / "logs", PAIRS)
    train_contrastive(model, batches, STEPS, config, folder / "backup", [keep, board])
    kept = {"losses": np.array(losses)}
    for number, variable in enumerate([*model.weights, *model.optimizer.variables]):
        kept[f"{number} {variable.path}"] = np.asarray(variable)
    return kept


def _new_model(config) -> ContrastiveModel:
    towers = quick_towers()
    masks = np.repeat(np.eye(2), [2, 3], axis=1)
    fusion = new_fusion("residual", towers, masks, group_dropout=0.0, seed=0)
    prediction = FeaturePrediction()
    prediction.build((None, towers.backbone.vision_encoder.hidden_dim), (None, 5))
    prediction.adapt(small_batch(PAIRS)["features"])
    return ContrastiveModel(towers, fusion, config, seed=0, prediction=prediction)


def main(name: str, devices: int, loss: str, folder: Path) -> None:
    """See the module."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    virtual = [tf.config.LogicalDeviceConfiguration()] * devices
    tf.config.set_logical_device_configuration(cpu, virtual)
    strategy = strategy_named(name)
    with strategy.scope():
        results = take_steps(loss, folder / "work")
    print(strategy.num_replicas_in_sync)
    np.savez(folder / "spread.npz", **results)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
