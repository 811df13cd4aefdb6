"""A training that is killed repeatedly, and one that is not; run as a program.

`python killed_training.py FOLDER` trains in FOLDER/alone and in FOLDER/killed, each in
processes that are forked from this one. Either gets `losses.txt`, for each step its number
from the start and the running mean of the loss in its epoch, and at last `weights.npz`;
`kills.txt` tells how many processes died.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from fitrank_tf.inputs.contrastive import contrastive_batches
from fitrank_tf.inputs.contrastive_table import ContrastiveTable
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.loop import train_contrastive
from tests.towers.small_towers import quick_towers
from tests.towers.training.contrastive_formula import small_batch, small_config

PRODUCTS, EPOCHS, STEPS, KILLS = 21, 3, 5, 2


def train(folder: Path) -> None:
    """Everything random is in it: order, texts, augmentation, patches and depth."""
    folder.mkdir(exist_ok=True)
    config = small_config(
        epochs=EPOCHS,
        patch_dropout=0.5,
        depth_dropout=0.3,
        whole_share=0.34,
        ema=0.8,
        # Below a step's time: after each one the state is kept.
        checkpoint_minutes=1e-9,
    )
    model = ContrastiveModel(quick_towers(), None, config, seed=3)
    between, steps = contrastive_batches(_photos(), _table(), config.batch_size, seed=7)
    assert steps == STEPS
    with (folder / "losses.txt").open("a") as file:
        keep = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda step, logs: print(
                int(model.optimizer.iterations), logs["loss"], file=file, flush=True
            )
        )
        train_contrastive(model, between, steps, config, folder / "backup", [keep])
    arrays = [np.asarray(variable) for variable in model.variables]
    np.savez(folder / "weights.npz", *arrays)


def _photos() -> tf.data.Dataset:
    photos = small_batch(PRODUCTS)["images"].astype("uint8")
    return tf.data.Dataset.from_tensor_slices((np.arange(PRODUCTS), photos))


def _table() -> ContrastiveTable:
    generator = np.random.default_rng(1)
    return ContrastiveTable(
        token_ids=generator.integers(1, 500, (PRODUCTS, 3, 10)).astype(np.int32),
        groups=np.arange(PRODUCTS, dtype=np.int32),
        product_codes=np.ones((PRODUCTS, 1), np.int32),
        text_codes=np.zeros((PRODUCTS, 3, 1), np.int32),
    )


def start(folder: Path) -> int:
    """The process that trains."""
    process = os.fork()
    if process:
        return process
    # Whatever a process drew before must not matter.
    tf.random.set_seed(os.getpid())
    status = 1
    try:
        train(folder)
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)


def kill_after(process: int, losses: Path, lines: int, seconds: float) -> bool:
    """Kills it when it took so many steps and so long; False if it was done before."""
    before = _lines(losses)
    while _lines(losses) < before + lines:
        if os.waitpid(process, os.WNOHANG)[0]:
            return False
        time.sleep(0.005)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.is_file() else 0


def main(folder: Path) -> None:
    """See the module."""
    assert os.waitpid(start(folder / "alone"), 0)[1] == 0
    generator, killed = random.Random(), folder / "killed"
    kills = 0
    for _ in range(KILLS):
        lines, seconds = generator.randint(1, 4), generator.uniform(0, 0.05)
        kills += kill_after(start(killed), killed / "losses.txt", lines, seconds)
    assert os.waitpid(start(killed), 0)[1] == 0
    (folder / "kills.txt").write_text(str(kills))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
