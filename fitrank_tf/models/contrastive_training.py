"""How the towers are trained: optimizer, schedule, callbacks, resumed where it stopped."""

import math
from collections.abc import Sequence
from pathlib import Path

import keras

from fitrank_tf.config import ContrastiveConfig
from fitrank_tf.errors import FitRankError
from fitrank_tf.models.contrastive import ContrastiveModel
from fitrank_tf.models.precision import computing_in
from fitrank_tf.models.warmup_cosine import WarmupCosine


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
        steps_per_epoch: steps of one pass; of a batch in parts each part is one.
        config: sizes and rates.
        backup_dir: folder for the state between epochs.
        verbose: Keras' progress, 1 for a bar, 2 for a line an epoch.
        callbacks: more of Keras', beside those that resume and stop.

    Raises:
        FitRankError: if the loss is no longer a number; training stops at that step.
    """
    whole_photos = _WholePhotosLast(math.ceil(config.epochs * (1 - config.whole_share)))
    with computing_in(model, config.precision):
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
                whole_photos,
                keras.callbacks.BackupAndRestore(str(backup_dir), delete_checkpoint=True),
            ],
            verbose=verbose,
        )
    _check_finite(history.history.get("loss", []), model, config)
    model.keep_scale()
    return history


def _check_finite(
    losses: Sequence[float], model: ContrastiveModel, config: ContrastiveConfig
) -> None:
    if all(math.isfinite(loss) for loss in losses):
        return
    epoch = next(i for i, loss in enumerate(losses) if not math.isfinite(loss))
    raise FitRankError(
        f"the contrastive loss became {losses[epoch]} in epoch {epoch + 1} of "
        f"{config.epochs}: steps too large at learning_rate {config.learning_rate} and "
        f"precision {config.precision}. Set a smaller learning_rate, a longer "
        "warmup_share, or precision float32; nothing of this stage was kept"
    )


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
    optimizer = keras.optimizers.AdamW(
        WarmupCosine(config.learning_rate, warmup, steps - warmup),
        weight_decay=config.weight_decay,
        beta_2=0.98,
        epsilon=1e-6,
        global_clipnorm=1.0,
        gradient_accumulation_steps=config.accumulation
        if config.accumulation > 1
        else None,
        use_ema=config.ema > 0,
        # Keras averages after every part; weights move after the last one only.
        ema_momentum=config.ema ** (1 / config.accumulation),
    )
    # Decay is for directions, not for offsets and gains (Loshchilov & Hutter, 2019).
    optimizer.exclude_from_weight_decay(
        var_list=[v for v in model.trainable_variables if len(v.shape) < 2]
    )
    return optimizer
