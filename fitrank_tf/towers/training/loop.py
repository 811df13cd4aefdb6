"""Training loop of the towers: optimizer, schedule, callbacks and resumption."""

import dataclasses
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras

from fitrank_tf.config import ContrastiveConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import Progress, fit_hooks
from fitrank_tf.towers.training.callbacks import (
    CountSteps,
    KeepState,
    Position,
    StopAtNaN,
)
from fitrank_tf.towers.training.checkpoint import RunningMeans, TrainingCheckpoint
from fitrank_tf.towers.training.contrastive import ContrastiveModel
from fitrank_tf.towers.training.global_batch import GlobalBatchAdamW
from fitrank_tf.towers.training.precision import computing_with_precision
from fitrank_tf.towers.training.strategies import (
    is_distributed,
    is_multiworker,
    ready_for_workers,
    replicas_of,
    scope_of,
)
from fitrank_tf.towers.training.throughput import Throughput
from fitrank_tf.towers.training.warmup_cosine import WarmupCosine

logger = logging.getLogger(__name__)

_STATE = "state.npz"


def train_contrastive(
    model: ContrastiveModel,
    batches: Callable[[int, int], Iterable[dict[str, Any]]],
    steps_per_epoch: int,
    config: ContrastiveConfig,
    backup_dir: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.callbacks.History:
    """Trains with AdamW, linear warm-up and cosine decay.

    After every epoch, and every `checkpoint_minutes` of a long one, the state is saved to
    `backup_dir`; called again after an interruption, training resumes at that step with the
    same result. The caller removes the folder when the result is saved.

    Args:
        model: to train; only its trainable variables change. Built in the scope of the
            strategy that distributes the steps.
        batches: maps first and end step to the inputs of the steps between, as dicts from
            `contrastive_batches`.
        steps_per_epoch: steps of one epoch; each part of a batch in parts is a step.
        config: sizes and rates.
        backup_dir: folder for the state.
        callbacks: further Keras callbacks. If training resumes inside an epoch, training
            begins and ends twice for them.

    Returns:
        Keras' history of the epochs trained in this call.

    Raises:
        FitRankError: if the loss is not finite; training stops at that step. If the state
            in `backup_dir` is broken or of another model. For a batch in parts or mixed
            photos on several devices.
    """
    _check_devices(replicas_of(model), config)
    training = _Training(steps_per_epoch, config)
    optimizer = _optimizer(model, training, config)
    with computing_with_precision(model, config.precision):
        with scope_of(model):
            model.compile(
                optimizer=optimizer,
                jit_compile=_is_worth_compiling(model),
                steps_per_execution=config.steps_at_once,
            )
        ready_for_workers(model)
        checkpoint = TrainingCheckpoint(backup_dir / _STATE, model)
        position = Position(checkpoint.restore())
        if position.step:
            logger.info("training goes on after step %d", position.step)
        images_per_step = config.batch_size / config.accumulation
        shown = Progress(
            "training towers",
            training.steps * images_per_step,
            "images",
            position.step * images_per_step,
        )
        watching = [
            Throughput(images_per_step),
            CountSteps(position),
            _stop_at_nan(batches, position, training),
            *callbacks,
            _WholePhotosLast(math.ceil(config.epochs * (1 - config.whole_share))),
            KeepState(
                checkpoint,
                position,
                # Workers have separate clocks, but must save at the same step.
                math.inf if is_multiworker(model) else config.checkpoint_minutes,
                RunningMeans(model) if position.step % steps_per_epoch else None,
            ),
            keras.callbacks.LambdaCallback(
                **fit_hooks(shown, config.epochs, images_per_step)
            ),
        ]
        history = keras.callbacks.History()
        with shown:
            for stretch in training.stretches(position.step):
                model.fit(
                    _for_fit(batches(stretch.first, stretch.end)),
                    # The batches are shuffled already.
                    shuffle=False,
                    steps_per_epoch=stretch.steps_per_epoch,
                    initial_epoch=stretch.epoch,
                    epochs=stretch.end_epoch,
                    callbacks=keras.callbacks.CallbackList(
                        [*watching, history],
                        model=model,
                        epochs=config.epochs,
                        steps=stretch.steps_per_epoch,
                    ),
                )
    if training.steps:
        optimizer.apply_average()
    model.store_head()
    return history


def _for_fit(batches: Iterable[dict[str, Any]]) -> Iterable[Any]:
    """Wraps a Python generator of inputs for Keras; a tf.data dataset needs no wrapping."""
    if isinstance(batches, Iterator):
        return ((batch,) for batch in batches)
    return batches


def _check_devices(devices: int, config: ContrastiveConfig) -> None:
    if devices == 1:
        return
    if config.accumulation > 1:
        raise FitRankError(
            f"accumulation is {config.accumulation} on {devices} devices; a batch is "
            "either taken in parts or spread over devices: set accumulation=1, or "
            "--strategy cpu"
        )
    if config.mixup:
        raise FitRankError(
            f"mixup is {config.mixup} on {devices} devices; photos are mixed on one "
            "device only: set mixup=0, or --strategy cpu"
        )


@dataclasses.dataclass(frozen=True)
class _Stretch:
    """Epochs of the same length, for one `fit`: steps `first` .. `end` - 1."""

    first: int
    end: int
    epoch: int
    end_epoch: int

    @property
    def steps_per_epoch(self) -> int:
        return (self.end - self.first) // (self.end_epoch - self.epoch)


class _Training:
    """The steps of a training and their learning rates."""

    def __init__(self, steps_per_epoch: int, config: ContrastiveConfig):
        self._steps_per_epoch, self._epochs = steps_per_epoch, config.epochs
        self.steps = steps_per_epoch * config.epochs
        steps = max(1, self.steps)
        warmup = int(steps * config.warmup_share)
        self.schedule = WarmupCosine(config.learning_rate, warmup, steps - warmup)

    def stretches(self, done: int) -> Iterator[_Stretch]:
        """Yields the steps after `done`: the rest of an epoch, then whole epochs."""
        epoch, into = divmod(done, self._steps_per_epoch)
        if into:
            end = (epoch + 1) * self._steps_per_epoch
            yield _Stretch(done, end, epoch, epoch + 1)
            done, epoch = end, epoch + 1
        if epoch < self._epochs:
            yield _Stretch(done, self.steps, epoch, self._epochs)


def _stop_at_nan(
    batches: Callable[[int, int], Iterable[dict[str, Any]]],
    position: Position,
    training: _Training,
) -> StopAtNaN:
    def batch_of(step: int) -> dict[str, Any]:
        return next(iter(batches(step, step + 1)))

    return StopAtNaN(position, training.steps, training.schedule, batch_of)


class _WholePhotosLast(keras.callbacks.Callback):
    """Ends patch dropout for the last epochs, to adapt the towers to whole photos."""

    def __init__(self, first_whole: int):
        super().__init__()
        self._first_whole = first_whole

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if epoch >= self._first_whole and self.model.patch_dropout:
            self.model.patch_dropout = 0.0
            # The step that runs was traced with the dropout in it.
            self.model.make_train_function(force=True)


def _is_worth_compiling(model: keras.Model) -> bool:
    """Whether XLA is worth it: on a CPU, TensorFlow is no faster and starts 20 s later."""
    if is_distributed(model):
        # XLA compiles for one device; a TPU's strategy compiles by itself.
        return False
    # JAX without it runs each operation on its own.
    return keras.backend.backend() == "jax" or any(
        keras.distribution.list_devices(kind) for kind in ("gpu", "tpu")
    )


def _optimizer(
    model: keras.Model, training: _Training, config: ContrastiveConfig
) -> GlobalBatchAdamW:
    # An optimizer belongs to the strategy in whose scope it is built.
    with scope_of(model):
        optimizer = _new_optimizer(training, config)
    # Decay is for directions, not for offsets and gains (Loshchilov & Hutter, 2019).
    optimizer.exclude_from_weight_decay(
        var_list=[v for v in model.trainable_variables if len(v.shape) < 2]
    )
    return optimizer


def _new_optimizer(training: _Training, config: ContrastiveConfig) -> GlobalBatchAdamW:
    return GlobalBatchAdamW(
        training.schedule,
        adapter_ratio=config.adapter_ratio,
        weight_decay=config.weight_decay,
        beta_2=0.98,
        epsilon=1e-6,
        global_clipnorm=1.0,
        gradient_accumulation_steps=config.accumulation
        if config.accumulation > 1
        else None,
        use_ema=config.ema > 0,
        # Keras averages after every part; weights change after the last part only.
        ema_momentum=config.ema ** (1 / config.accumulation),
    )
