"""Trained towers as teachers: how alike they find the photos and texts of a batch.

Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; for CLIP, Wu et al.,
"TinyCLIP" (affinity mimicking), 2023. Teachers see the very pixels that the student sees,
mixtures of photos too, so that what is learned is their function and not their answers to
8,000 photos (Beyer et al., "Knowledge distillation: A good teacher is patient and
consistent", 2022).
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, ops

from fitrank_tf.towers.towers import Towers
from fitrank_tf.towers.training.losses import MAX_LOG_SCALE


class Teachers(keras.layers.Layer):
    """Several towers whose logits are averaged; none of them learns.

    Args:
        towers: the teachers, of the student's image size and vocabulary.
    """

    def __init__(self, towers: Sequence[Towers], **kwargs: Any):
        super().__init__(**kwargs)
        self._towers = tuple(towers)
        self.backbones = [teacher.backbone for teacher in towers]
        self.trainable = False
        # Each one's share of the mean logit, given half to either side of the product.
        self._weights = [
            (teacher.temperature * len(self._towers)) ** -0.5 for teacher in towers
        ]
        self.built = True

    def call(
        self, images: KerasTensor, token_ids: KerasTensor
    ) -> tuple[KerasTensor, KerasTensor]:
        """Embeddings whose products are the teachers' mean logits.

        Args:
            images: [B, S, S, 3], values 0..255.
            token_ids: int32 [B, L].

        Returns:
            (float32 [B, D] of the photos, float32 [B, D] of the texts), D being the
            teachers' widths summed up.
        """
        pairs = list(zip(self._towers, self._weights))
        image = [weight * teacher.encode_images(images) for teacher, weight in pairs]
        text = [weight * teacher.encode_tokens(token_ids) for teacher, weight in pairs]
        return (
            ops.stop_gradient(ops.concatenate(image, axis=-1)),
            ops.stop_gradient(ops.concatenate(text, axis=-1)),
        )


def distillation_loss(
    taught_image: KerasTensor,
    taught_text: KerasTensor,
    image: KerasTensor,
    text: KerasTensor,
    log_scale: KerasTensor,
) -> KerasTensor:
    """How far a student's softmax over a batch is from its teachers'.

    The Kullback-Leibler divergence from the teachers' to the student's, of photos over
    texts and of texts over photos, mean of both.

    Args:
        taught_image: float32 [B, D], from `Teachers`.
        taught_text: float32 [B, D], from `Teachers`.
        image: float32 [B, E], the student's, L2-normalised.
        text: float32 [B, E], the student's, L2-normalised.
        log_scale: scalar, the student's log of the inverse temperature.

    Returns:
        float32 scalar.
    """
    scale = ops.exp(ops.minimum(log_scale, MAX_LOG_SCALE))
    taught = ops.matmul(taught_image, ops.transpose(taught_text))
    told = scale * ops.matmul(image, ops.transpose(text))
    return (_divergence(taught, told, axis=1) + _divergence(taught, told, axis=0)) / 2.0


def _divergence(taught: KerasTensor, told: KerasTensor, axis: int) -> KerasTensor:
    wanted = ops.log_softmax(taught, axis=axis)
    apart = wanted - ops.log_softmax(told, axis=axis)
    return ops.mean(ops.sum(ops.exp(wanted) * apart, axis=axis))
