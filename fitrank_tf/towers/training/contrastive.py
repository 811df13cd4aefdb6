"""The towers under a contrastive loss, with learned temperature."""

import math
from typing import Any

import keras
from keras import KerasTensor, ops

from fitrank_tf.config import ContrastiveConfig
from fitrank_tf.towers.fusion import FeatureFusion
from fitrank_tf.towers.patch_dropout import pool_in_part
from fitrank_tf.towers.towers import RunBlock, Towers, plain_block
from fitrank_tf.towers.training.augmentation import Augmentation
from fitrank_tf.towers.training.distillation import Teachers, distillation_loss
from fitrank_tf.towers.training.feature_prediction import FeaturePrediction
from fitrank_tf.towers.training.global_batch import gather, share_of_loss
from fitrank_tf.towers.training.losses import (
    MAX_LOG_SCALE,
    fitting_pairs,
    info_nce,
    same_pairs,
    sigmoid_loss,
)
from fitrank_tf.towers.training.mixtures import draw_share, mix, mixed_loss


class ContrastiveModel(keras.Model):
    """The towers, with or without feature fusion, under a contrastive loss.

    Inputs are dicts: `images` [B, S, S, 3] 0..255, `token_ids` int32 [B, L],
    `groups` int32 [B], `has` and `asks` int32 [B, F] as `fitting_pairs` reads them, and
    with a fusion or a prediction `features` float32 [B, F].

    Args:
        towers: to train.
        fusion: adds the features to the image embedding; None leaves them out.
        config: the training's; of it what one step needs is used here.
        seed: of patch and depth dropout.
        prediction: has the features told from the photo; None asks for none.
        augmentation: of the photos of a training step; None takes them as they come.
        teachers: whose logits count as `config.teacher_weight` says; None asks none.
    """

    def __init__(
        self,
        towers: Towers,
        fusion: FeatureFusion | None,
        config: ContrastiveConfig,
        seed: int,
        prediction: FeaturePrediction | None = None,
        augmentation: Augmentation | None = None,
        teachers: Teachers | None = None,
    ):
        super().__init__(name="contrastive")
        self.backbone = towers.backbone
        self.fusion = fusion
        self.prediction = prediction
        self.augmentation = augmentation
        self.teachers = teachers
        self._towers = towers
        self._config = config
        self.patch_dropout = config.patch_dropout
        self._seeds = keras.random.SeedGenerator(seed)
        # The head's own scale is not part of this loss; `keep_scale` fills it in.
        self.backbone.clip_head.logit_scale.trainable = False
        self.log_scale = self.add_weight(
            name="log_scale",
            shape=(),
            initializer=keras.initializers.Constant(math.log(1.0 / config.temperature)),
        )
        if config.loss == "sigmoid":
            # The paper's start: nearly all pairs of a batch are none.
            self.bias = self.add_weight(
                name="bias", shape=(), initializer=keras.initializers.Constant(-10.0)
            )
        # Backbone and fusion come built; the backup asks for it before the first batch.
        self.built = True

    def call(
        self, inputs: dict[str, KerasTensor], training: bool | None = None
    ) -> dict[str, KerasTensor]:
        """Unit embeddings {"image": [B, D], "text": [B, D]} of the pairs.

        With a prediction `told` [B] is besides how far off it is, with teachers
        `taught_image` and `taught_text` are theirs, and of photos that are mixed `share`
        is each one's own part.
        """
        made = {}
        images, features = inputs["images"], inputs.get("features")
        if training and self.augmentation is not None:
            images = self.augmentation(images)
        if training and self._config.mixup:
            made["share"] = draw_share(self._config.mixup, self._seeds)
            images = mix(ops.cast(images, "float32"), made["share"])
            features = None if features is None else mix(features, made["share"])
        if training and self.teachers is not None:
            taught = self.teachers(images, inputs["token_ids"])
            made["taught_image"], made["taught_text"] = taught
        text = self._towers.encode_tokens(inputs["token_ids"])
        if self.fusion is None:
            pooled = self._pool_images(images, training, plain_block)
            image = self._towers.project_image(pooled)
        else:
            seen = self.fusion.prepare(features, training)
            pooled = self._pool_images(images, training, _fused_block(self.fusion, seen))
            image = self.fusion.finish(self._towers.project_image(pooled), seen)
        made |= {"image": image, "text": text}
        if self.prediction is not None:
            made["told"] = self.prediction(pooled, features)
        return made

    def _pool_images(
        self, images: KerasTensor, training: bool | None, run_block: RunBlock
    ) -> KerasTensor:
        patches, depth = self.patch_dropout, self._config.depth_dropout
        if not training or not (patches or depth):
            return self._towers.pool_images(images, run_block)
        return pool_in_part(self._towers, images, patches, depth, self._seeds, run_block)

    def keep_scale(self) -> None:
        """Writes the learned temperature where CLIP keeps it, for the preset."""
        self.backbone.clip_head.logit_scale.assign(
            ops.minimum(self.log_scale, MAX_LOG_SCALE)
        )

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> KerasTensor:
        """The pairs' loss, and what the prediction was off by.

        On several replicas each takes the whole batch's, and gives its share of it.
        """
        groups, token_ids, product_codes, text_codes = (
            gather(x[name])
            for name in ("groups", "token_ids", "product_codes", "text_codes")
        )
        hidden = ops.logical_or(
            same_pairs(groups, token_ids), fitting_pairs(product_codes, text_codes)
        )
        image, text = gather(y_pred["image"]), gather(y_pred["text"])
        loss = self._batch_loss(image, text, hidden, y_pred)
        if self.prediction is not None:
            loss = loss + self._config.feature_weight * ops.mean(y_pred["told"])
        return share_of_loss(loss)

    def _batch_loss(
        self,
        image: KerasTensor,
        text: KerasTensor,
        hidden: KerasTensor,
        made: dict[str, KerasTensor],
    ) -> KerasTensor:
        if "share" in made:
            loss = mixed_loss(self._pair_loss, image, text, hidden, made["share"])
        else:
            loss = self._pair_loss(image, text, hidden)
        if "taught_image" not in made:
            return loss
        taught = gather(made["taught_image"]), gather(made["taught_text"])
        weight = self._config.teacher_weight
        return (1.0 - weight) * loss + weight * distillation_loss(
            *taught, image, text, self.log_scale
        )

    def _pair_loss(
        self, image: KerasTensor, text: KerasTensor, hidden: KerasTensor
    ) -> KerasTensor:
        if self._config.loss == "sigmoid":
            return sigmoid_loss(image, text, self.log_scale, self.bias, hidden)
        return info_nce(image, text, self.log_scale, hidden)


def _fused_block(fusion: FeatureFusion, seen: KerasTensor) -> RunBlock:
    return lambda number, block, tokens: fusion.block(number, block, tokens, seen)
