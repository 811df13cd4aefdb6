"""Contrastive training of the towers: InfoNCE both ways, learned temperature."""

import math
from pathlib import Path

import keras
from keras import ops

from fitrank_tf.config import ContrastiveConfig
from fitrank_tf.models.fusion import FeatureFusion
from fitrank_tf.models.patch_dropout import encode_with_fewer_patches
from fitrank_tf.models.towers import Towers

# CLIP clips its logit scale at 100; InfoNCE gets unstable above.
_MAX_LOG_SCALE = math.log(100.0)
_MASKED = -1e9


def info_nce(image_embeddings, text_embeddings, log_scale, false_negatives=None):
    """Symmetric InfoNCE (van den Oord et al., 2018; Radford et al., 2021).

    The mean over both directions of -log softmax(scale * <image, text>) at the
    pair itself, the other pairs of the batch being the negatives.

    Args:
        image_embeddings: float32 [B, D], L2-normalised.
        text_embeddings: float32 [B, D], L2-normalised.
        log_scale: scalar, log of the inverse temperature; clipped at log 100.
        false_negatives: bool [B, B] or None; pairs that are no negatives, for
            instance two products of the same title. The diagonal is ignored.

    Returns:
        float32 scalar.
    """
    scale = ops.exp(ops.minimum(log_scale, _MAX_LOG_SCALE))
    logits = scale * ops.matmul(image_embeddings, ops.transpose(text_embeddings))
    positives = ops.diagonal(logits)
    if false_negatives is not None:
        own = ops.eye(ops.shape(logits)[0], dtype="bool")
        hidden = ops.logical_and(false_negatives, ops.logical_not(own))
        logits = ops.where(hidden, _MASKED, logits)
    by_image = ops.logsumexp(logits, axis=1) - positives
    by_text = ops.logsumexp(logits, axis=0) - positives
    return ops.mean(by_image + by_text) / 2.0


def same_pairs(groups, token_ids):
    """Pairs that must not be negatives: equal titles, or equal texts.

    Args:
        groups: int32 [B], equal for products of equal title.
        token_ids: int32 [B, L]; "red shirt" fits every product it was drawn for.

    Returns:
        bool [B, B].
    """
    same_title = ops.equal(groups[:, None], groups[None, :])
    same_text = ops.all(ops.equal(token_ids[:, None, :], token_ids[None, :, :]), axis=-1)
    return ops.logical_or(same_title, same_text)


def fitting_pairs(has, asks):
    """Pairs whose text asks for nothing that the photo's product lacks.

    "black shoes" was written for one product, and is as true of the other black shoes
    of the batch.

    Args:
        has: int32 [B, F], codes of the products' facets.
        asks: int32 [B, F], codes that the texts ask for, 0 for "anything". A text of
            zeros (a title) fits by no facet.

    Returns:
        bool [B, B], by photo and text.
    """
    asked = asks[None, :, :]
    met = ops.logical_or(ops.equal(asked, 0), ops.equal(asked, has[:, None, :]))
    names_any = ops.any(ops.greater(asks, 0), axis=-1)
    return ops.logical_and(ops.all(met, axis=-1), names_any[None, :])


class ContrastiveModel(keras.Model):
    """The towers, with or without feature fusion, under InfoNCE.

    Inputs are dicts: `images` [B, S, S, 3] 0..255, `token_ids` int32 [B, L],
    `groups` int32 [B], `has` and `asks` int32 [B, F] as `fitting_pairs` reads them, and
    with a fusion `features` float32 [B, F].

    Args:
        towers: to train.
        fusion: adds the features to the image embedding; None leaves them out.
        config: the training's; of it `temperature` and `patch_dropout` are used here.
        seed: of the patch dropout.
    """

    def __init__(
        self,
        towers: Towers,
        fusion: FeatureFusion | None,
        config: ContrastiveConfig,
        seed: int,
    ):
        super().__init__(name="contrastive")
        self.backbone = towers.backbone
        self.fusion = fusion
        self._towers = towers
        self.patch_dropout = config.patch_dropout
        self._seeds = keras.random.SeedGenerator(seed)
        # The head's own scale is not part of this loss; `keep_scale` fills it in.
        self.backbone.clip_head.logit_scale.trainable = False
        self.log_scale = self.add_weight(
            name="log_scale",
            shape=(),
            initializer=keras.initializers.Constant(math.log(1.0 / config.temperature)),
        )
        # Backbone and fusion come built; the backup asks for it before the first batch.
        self.built = True

    def call(self, inputs, training=None):
        """Unit embeddings {"image": [B, D], "text": [B, D]} of the pairs."""
        image = self._encode_images(inputs["images"], training)
        if self.fusion is not None:
            image = self.fusion(image, inputs["features"], training=training)
        return {"image": image, "text": self._towers.encode_tokens(inputs["token_ids"])}

    def _encode_images(self, images, training):
        if not training or not self.patch_dropout:
            return self._towers.encode_images(images)
        return encode_with_fewer_patches(
            self._towers, images, self.patch_dropout, self._seeds
        )

    def keep_scale(self) -> None:
        """Writes the learned temperature where CLIP keeps it, for the preset."""
        self.backbone.clip_head.logit_scale.assign(
            ops.minimum(self.log_scale, _MAX_LOG_SCALE)
        )

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """InfoNCE of the batch."""
        hidden = ops.logical_or(
            same_pairs(x["groups"], x["token_ids"]), fitting_pairs(x["has"], x["asks"])
        )
        return info_nce(y_pred["image"], y_pred["text"], self.log_scale, hidden)


def train_contrastive(
    model: ContrastiveModel,
    batches,
    steps_per_epoch: int,
    config: ContrastiveConfig,
    backup_dir: Path,
    verbose: int,
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
    )
    # Decay is for directions, not for offsets and gains (Loshchilov & Hutter, 2019).
    optimizer.exclude_from_weight_decay(
        var_list=[v for v in model.trainable_variables if len(v.shape) < 2]
    )
    return optimizer
