"""Keras callbacks of the towers' training: checkpoints, NaN detection, TensorBoard."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.training.checkpoint import RunningMeans, TrainingCheckpoint
from fitrank_tf.towers.training.losses import MAX_LOG_SCALE

# Seconds between checkpoints of short epochs.
_SOON = 15.0
_WATCHED = ("images", "features")


@dataclasses.dataclass
class Position:
    """Progress of a training.

    Attributes:
        step: number of steps done, including those before an interruption.
    """

    step: int


class CountSteps(keras.callbacks.Callback):
    """Updates the position; must precede the callbacks that read it."""

    def __init__(self, position: Position):
        super().__init__()
        self._position, self._first = position, 0

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, float] | None = None
    ) -> None:
        """Records the first step of an execution of several steps."""
        self._first = batch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Adds the steps of this execution."""
        self._position.step += batch - self._first + 1


class KeepState(keras.callbacks.Callback):
    """Saves checkpoints at the end of epochs and, in long epochs, at intervals.

    Epochs that end within seconds of the last checkpoint get none.

    Args:
        checkpoint: to save to.
        position: of the training.
        minutes: between two checkpoints.
        means: running means of an interrupted epoch that the first `fit` resumes; None if
            it starts a new epoch.
    """

    def __init__(
        self,
        checkpoint: TrainingCheckpoint,
        position: Position,
        minutes: float,
        means: RunningMeans | None,
    ):
        super().__init__()
        self._checkpoint, self._position, self._means = checkpoint, position, means
        self._seconds, self._kept = minutes * 60, time.monotonic()
        self._kept_step = position.step

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Restores the running means of an interrupted epoch."""
        if self._means is not None:
            self._means.restore()
            self._means = None

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Saves if the interval has passed."""
        if time.monotonic() - self._kept >= self._seconds:
            self._save()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Saves, unless that was done within the last seconds."""
        is_due = time.monotonic() - self._kept >= min(self._seconds, _SOON)
        if is_due and self._kept_step != self._position.step:
            self._save()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Saves if steps were done since the last checkpoint."""
        if self._kept_step != self._position.step:
            self._save()

    def _save(self) -> None:
        # On JAX reading `self.model` copies the training state to the variables.
        assert self.model is not None
        self._checkpoint.save(self._position.step)
        self._kept, self._kept_step = time.monotonic(), self._position.step


class StopAtNaN(keras.callbacks.Callback):
    """Stops at the first step whose loss is not finite, with a diagnosis.

    Args:
        position: of the training, including the current step.
        steps: number of steps of the whole training.
        schedule: maps a step, from 0, to its learning rate.
        batch_of: maps a step, from 0, to its inputs.
    """

    def __init__(
        self,
        position: Position,
        steps: int,
        schedule: Callable[[int], KerasTensor],
        batch_of: Callable[[int], dict[str, Any]],
    ):
        super().__init__()
        self._position, self._steps = position, steps
        self._schedule, self._batch_of = schedule, batch_of
        self._temperature = math.nan

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, float] | None = None
    ) -> None:
        """Records the temperature, which may not be finite after the step."""
        self._temperature = temperature_of(self.model)

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Raises FitRankError if the loss is not finite."""
        loss = float(logs["loss"])
        if math.isfinite(loss):
            return
        step = self._position.step
        rate = float(self._schedule(step - 1))
        raise FitRankError(
            f"the contrastive loss became {loss} in step {step} of {self._steps}, at "
            f"learning rate {rate:.3g} and temperature {self._temperature:.3g}; "
            f"{_about(self._batch_of(step - 1))}. Nothing of this stage was kept but its "
            "state before"
        )


def _about(batch: dict[str, Any]) -> str:
    """Describes which inputs of a batch are finite, and the mend."""
    states, broken = [], []
    for name in (name for name in _WATCHED if name in batch):
        values = np.asarray(batch[name])
        rows = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        state = f"not finite in row {rows[0]}" if len(rows) else "finite"
        states.append(f"{name} {state}")
        broken += [name] * bool(len(rows))
    mend = (
        f"mend the {' and '.join(broken)}"
        if broken
        else "so the steps are too large: set a smaller learning_rate, a longer "
        "warmup_share, or precision float32"
    )
    return f"of its batch: {', '.join(states)}; {mend}"


class TensorBoardLog(keras.callbacks.Callback):
    """Writes curves for TensorBoard, one point per step.

    `loss` and `images/s` are those of the single step; `learning_rate` and `temperature`
    are those after the step.

    Args:
        folder: for TensorBoard's `--logdir`; a resumed run appends to it.
        images_per_step: photos per step.
    """

    def __init__(self, folder: Path, images_per_step: float):
        super().__init__()
        self._folder, self._images = folder, images_per_step
        self._writer: Any = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Opens the file."""
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._folder))

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Starts a new running mean of the loss."""
        self._seen, self._sum = self._counted()
        self._time = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Writes the step's numbers."""
        now = time.monotonic()
        seen, total = self._counted()
        model = self.model
        self._write(
            int(ops.convert_to_numpy(model.optimizer.iterations)),
            {
                "loss": (total - self._sum) / max(seen - self._seen, 1.0),
                "learning_rate": float(model.optimizer.learning_rate),
                "temperature": temperature_of(model),
                "images/s": self._images / max(now - self._time, 1e-9),
            }.items(),
        )
        self._seen, self._sum, self._time = seen, total, now

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Flushes the file."""
        self._writer.flush()

    def _counted(self) -> tuple[float, float]:
        """Number of examples of the epoch so far, and the sum of their losses."""
        means = self.model.metrics_variables
        total, count = (float(ops.convert_to_numpy(variable)) for variable in means)
        return count, total

    def _write(self, step: int, values: Iterable[tuple[str, float]]) -> None:
        import tensorflow as tf

        with self._writer.as_default(step=step):
            for name, value in values:
                tf.summary.scalar(name, value)


def temperature_of(model: keras.Model) -> float:
    """Returns the current temperature of a `ContrastiveModel`."""
    log_scale = float(ops.convert_to_numpy(model.log_scale))
    with np.errstate(over="ignore"):
        return float(np.exp(-min(log_scale, MAX_LOG_SCALE)))
