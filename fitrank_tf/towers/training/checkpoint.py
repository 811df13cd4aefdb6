"""Saves and restores the complete state of a training in one file."""

import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import written_aside
from fitrank_tf.towers.training.strategies import agree_on, scope_of

_STEP = "step"


class TrainingCheckpoint:
    """Weights, optimizer, random state, running means and step of a compiled model.

    Variables are stored by position, since their Keras names depend on what the process
    built before.

    Args:
        path: the file; its folder is made on the first save.
        model: compiled; its optimizer is built here.
    """

    def __init__(self, path: Path, model: keras.Model):
        self._path, self._model = path, model
        with scope_of(model):
            if not model.optimizer.built:
                model.optimizer.build(model.trainable_variables)

    def save(self, step: int) -> None:
        """Saves the state after `step` steps, replacing the file atomically.

        Raises:
            FitRankError: if a weight is not finite; the file is then unchanged.
        """
        arrays = [ops.convert_to_numpy(variable) for variable in self._variables()]
        for variable, array in zip(self._variables(), arrays):
            if not np.isfinite(array).all():
                raise FitRankError(
                    f"after step {step} the weight {variable.path} is no longer a number; "
                    "set a smaller learning_rate, or precision float32. The state before "
                    f"is still in {self._path}"
                )
        with written_aside(self._path) as unfinished, unfinished.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                **{_STEP: np.array(step, np.int64)},
                **{f"{number:05d}": array for number, array in enumerate(arrays)},
            )

    def restore(self) -> int:
        """Restores the state, if there is a file.

        Returns:
            The number of steps done, 0 without a file.

        Raises:
            FitRankError: if the file is broken or of another model; if the workers of a
                distributed training have states of different steps.
        """
        step, arrays = self._read() if self._path.is_file() else (0, [])
        # Some variables can only be assigned by all workers together.
        agree_on(self._model, step)
        if not arrays:
            return 0
        self._check(arrays)
        with scope_of(self._model):
            for variable, array in zip(self._variables(), arrays):
                variable.assign(array)
        return step

    def _read(self) -> tuple[int, list[np.ndarray]]:
        try:
            with np.load(self._path, allow_pickle=False) as file:
                step = int(file[_STEP])
                return step, [file[name] for name in sorted(file.files) if name != _STEP]
        except (zipfile.BadZipFile, OSError, ValueError, KeyError, EOFError) as error:
            raise FitRankError(
                f"{self._path} is broken ({error}); delete it, and this training starts "
                "from its beginning"
            ) from error

    def _check(self, arrays: list[np.ndarray]) -> None:
        variables = self._variables()
        mend = "delete it, and this training starts from its beginning"
        if len(arrays) != len(variables):
            raise FitRankError(
                f"{self._path} is of another model: it has {len(arrays)} variables, the "
                f"one to train {len(variables)}; {mend}"
            )
        for variable, array in zip(variables, arrays):
            if array.shape != tuple(variable.shape):
                raise FitRankError(
                    f"{self._path} is of another model: {variable.path} is "
                    f"{array.shape} in it, not {tuple(variable.shape)}; {mend}"
                )

    def _variables(self) -> list[keras.Variable]:
        model = self._model
        return [
            *model.variables,
            *model.optimizer.variables,
            *model.metrics_variables,
        ]


class RunningMeans:
    """Running means of an interrupted epoch, which Keras resets at the start of `fit`.

    Args:
        model: with its state just restored.
    """

    def __init__(self, model: keras.Model):
        self._model = model
        self._values = [ops.convert_to_numpy(v) for v in model.metrics_variables]

    def restore(self) -> None:
        """Assigns the recorded means to the model's metrics."""
        with scope_of(self._model):
            for variable, value in zip(self._model.metrics_variables, self._values):
                variable.assign(value)
