"""Keras model that trains the towers by a contrastive loss with learned temperature."""

import math
from typing import Any

import keras
from keras import KerasTensor, ops

from fitrank_tf.config import OWN_LOSS, ContrastiveConfig
from fitrank_tf.towers.fusion import FeatureFusion
from fitrank_tf.towers.patch_dropout import pool_with_dropout
from fitrank_tf.towers.towers import RunBlock, Towers, plain_block
from fitrank_tf.towers.training.augmentation import Augmentation
from fitrank_tf.towers.training.distillation import Teachers, distillation_loss
from fitrank_tf.towers.training.feature_prediction import FeaturePrediction
from fitrank_tf.towers.training.global_batch import gather, share_of_loss
from fitrank_tf.towers.training.losses import (
    MAX_LOG_SCALE,
    info_nce,
    matching_pairs,
    same_pairs,
    sigmoid_loss,
)
from fitrank_tf.towers.training.mixtures import draw_share, mix, mixed_loss

# The sigmoid loss's bias of Zhai et al., 2023: nearly all pairs of a batch are negatives.
_FIRST_BIAS = -10.0


class ContrastiveModel(keras.Model):
    """The towers, with or without feature fusion, under a contrastive loss.

    Inputs are dicts: `images` [B, S, S, 3] 0..255, `token_ids` int32 [B, L],
    `groups` int32 [B], `product_codes` and `text_codes` int32 [B, F] for
    `matching_pairs`, and with a fusion or a prediction `features` float32 [B, F].

    Args:
        towers: to train.
        fusion: adds the features to the image embedding; None for none.
        config: of the training; only the settings of a single step are used.
        seed: of patch dropout, stochastic depth and mixup.
        prediction: auxiliary loss that predicts the features from the photo; None for none.
        augmentation: of the photos of a training step; None for none.
        teachers: for distillation with weight `config.teacher_weight`; None for none.
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
        self._loss = towers.loss if config.loss == OWN_LOSS else config.loss
        # The head's own variables are not part of this loss; `store_head` sets them.
        towers.head.trainable = False
        self.log_scale = self.add_weight(
            name="log_scale",
            shape=(),
            initializer=keras.initializers.Constant(math.log(1.0 / config.temperature)),
        )
        if self._loss == "sigmoid":
            bias = _FIRST_BIAS if towers.bias is None else towers.bias
            self.bias = self.add_weight(
                name="bias", shape=(), initializer=keras.initializers.Constant(bias)
            )
        # Backbone and fusion are built already; the backup checks this before any batch.
        self.built = True

    def call(
        self, inputs: dict[str, KerasTensor], training: bool | None = None
    ) -> dict[str, KerasTensor]:
        """Returns unit embeddings {"image": [B, D], "text": [B, D]} of the pairs.

        With a prediction there is also its loss `feature_error` [B], with teachers their
        embeddings `teacher_image` and `teacher_text`, and with mixup the scalar `share` of
        each photo in its mixture.
        """
        outputs = {}
        images, features = inputs["images"], inputs.get("features")
        if training and self.augmentation is not None:
            images = self.augmentation(images)
        if training and self._config.mixup:
            outputs["share"] = draw_share(self._config.mixup, self._seeds)
            images = mix(ops.cast(images, "float32"), outputs["share"])
            features = None if features is None else mix(features, outputs["share"])
        if training and self.teachers is not None:
            teacher = self.teachers(images, inputs["token_ids"])
            outputs["teacher_image"], outputs["teacher_text"] = teacher
        text = self._towers.encode_tokens(inputs["token_ids"])
        if self.fusion is None:
            pooled = self._pool_images(images, training, plain_block)
            image = self._towers.project_image(pooled)
        else:
            seen = self.fusion.prepare(features, training)
            pooled = self._pool_images(images, training, _fused_block(self.fusion, seen))
            image = self.fusion.finish(self._towers.project_image(pooled), seen)
        outputs |= {"image": image, "text": text}
        if self.prediction is not None:
            outputs["feature_error"] = self.prediction(pooled, features)
        return outputs

    def _pool_images(
        self, images: KerasTensor, training: bool | None, run_block: RunBlock
    ) -> KerasTensor:
        patches, depth = self.patch_dropout, self._config.depth_dropout
        if not training or not (patches or depth):
            return self._towers.pool_images(images, run_block)
        return pool_with_dropout(
            self._towers, images, patches, depth, self._seeds, run_block
        )

    def store_head(self) -> None:
        """Stores the learned temperature and bias in the towers' head, for the preset."""
        head, sigmoid = self._towers.head, self._loss == "sigmoid"
        limit = math.inf if sigmoid else MAX_LOG_SCALE
        head.logit_scale.assign(ops.minimum(self.log_scale, limit))
        if sigmoid and self._towers.bias is not None:
            head.logit_bias.assign(self.bias)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> KerasTensor:
        """Returns the contrastive loss plus the weighted loss of the prediction.

        Each of several replicas computes the loss of the whole batch and returns its share.
        """
        groups, token_ids, product_codes, text_codes = (
            gather(x[name])
            for name in ("groups", "token_ids", "product_codes", "text_codes")
        )
        false_negatives = ops.logical_or(
            same_pairs(groups, token_ids), matching_pairs(product_codes, text_codes)
        )
        image, text = gather(y_pred["image"]), gather(y_pred["text"])
        loss = self._batch_loss(image, text, false_negatives, y_pred)
        if self.prediction is not None:
            loss = loss + self._config.feature_weight * ops.mean(y_pred["feature_error"])
        return share_of_loss(loss)

    def _batch_loss(
        self,
        image: KerasTensor,
        text: KerasTensor,
        false_negatives: KerasTensor,
        outputs: dict[str, KerasTensor],
    ) -> KerasTensor:
        if "share" in outputs:
            loss = mixed_loss(
                self._pair_loss, image, text, false_negatives, outputs["share"]
            )
        else:
            loss = self._pair_loss(image, text, false_negatives)
        if "teacher_image" not in outputs:
            return loss
        teacher = gather(outputs["teacher_image"]), gather(outputs["teacher_text"])
        weight = self._config.teacher_weight
        return (1.0 - weight) * loss + weight * distillation_loss(
            *teacher, image, text, self.log_scale
        )

    def _pair_loss(
        self, image: KerasTensor, text: KerasTensor, false_negatives: KerasTensor
    ) -> KerasTensor:
        if self._loss == "sigmoid":
            return sigmoid_loss(image, text, self.log_scale, self.bias, false_negatives)
        return info_nce(image, text, self.log_scale, false_negatives)


def _fused_block(fusion: FeatureFusion, seen: KerasTensor) -> RunBlock:
    return lambda number, block, tokens: fusion.block(number, block, tokens, seen)
