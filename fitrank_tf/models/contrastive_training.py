"""How the towers are trained: optimizer, schedule, callbacks, resumed where it stopped."""

import math
from collections.abc import Sequence
from pathlib import Path

import keras

from fitrank_tf.config import ContrastiveConfig
from fitrank_tf.models.contrastive import ContrastiveModel


def train_contrastive(
    model: ContrastiveModel,
    batches,
    steps_per_epoch: int,
    config: ContrastiveConfig,
    backup_dir: Path,
    verbose: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.callbacks.History:
    """Trains with AdamW, linear warm-up and cosine decay.

    After every epoch the state goes to `backup_dir`; called again after an
    interruption, training goes on from there.

    Args:
        model: to train; only its trainable variables change.
        batches: iterable of input dicts, one pass an epoch.
        steps_per_epoch: batches of one pass.
        config: sizes and rates.
        backup_dir: folder for the state between epochs.
        verbose: Keras' progress, 1 for a bar, 2 for a line an epoch.
        callbacks: more of Keras', beside those that resume and stop.

    Raises:
        FloatingPointError: if the loss becomes NaN.
    """
    model.compile(
        optimizer=_optimizer(model, steps_per_epoch, config),
        jit_compile=_is_worth_compiling(),
    )
    history = model.fit(
        batches,
        epochs=config.epochs,
        callbacks=[
            *callbacks,
            keras.callbacks.TerminateOnNaN(),
            _WholePhotosLast(math.ceil(config.epochs * (1 - config.whole_share))),
            keras.callbacks.BackupAndRestore(str(backup_dir), delete_checkpoint=True),
        ],
        verbose=verbose,
    )
    losses = history.history.get("loss", [])
    if losses and not math.isfinite(losses[-1]):
        raise FloatingPointError(
            f"the contrastive loss became {losses[-1]}; lower the learning rate "
            f"({config.learning_rate})"
        )
    model.keep_scale()
    return history


class _WholePhotosLast(keras.callbacks.Callback):
    """Ends the patch dropout, so that the towers are at home with whole photos."""

    def __init__(self, first_whole: int):
        super().__init__()
        self._first_whole = first_whole

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self._first_whole and self.model.patch_dropout:
            self.model.patch_dropout = 0.0
            # The step that runs was traced with the dropout in it.
            self.model.make_train_function(force=True)


def _is_worth_compiling() -> bool:
    """Whether XLA pays: on a CPU it makes no faster steps and a first one of 20 s more."""
    return any(keras.distribution.list_devices(kind) for kind in ("gpu", "tpu"))


def _optimizer(model, steps_per_epoch: int, config: ContrastiveConfig):
    steps = max(1, steps_per_epoch * config.epochs)
    warmup = int(steps * config.warmup_share)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=config.learning_rate * 0.01,
        decay_steps=max(1, steps - warmup),
        alpha=1e-3,
        warmup_target=config.learning_rate,
        warmup_steps=max(1, warmup),
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=config.weight_decay,
        beta_2=0.98,
        epsilon=1e-6,
        global_clipnorm=1.0,
        use_ema=config.ema > 0,
        ema_momentum=config.ema,
    )
    # Decay is for directions, not for offsets and gains (Loshchilov & Hutter, 2019).
    optimizer.exclude_from_weight_decay(
        var_list=[v for v in model.trainable_variables if len(v.shape) < 2]
    )
    return optimizer
