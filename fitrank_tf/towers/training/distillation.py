"""Distillation: trained towers teach their similarities of the photos and texts of a batch.

Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; for CLIP, Wu et al.,
"TinyCLIP" (affinity mimicking), 2023. Teachers get the same pixels as the student, mixtures
of photos included, so that the student learns their function and not their outputs for
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
    """Several frozen towers whose logits are averaged.

    Args:
        towers: the teachers, of the student's image size and vocabulary.
    """

    def __init__(self, towers: Sequence[Towers], **kwargs: Any):
        super().__init__(**kwargs)
        self._towers = tuple(towers)
        self.backbones = [teacher.backbone for teacher in towers]
        self.trainable = False
        # Each teacher's weight in the mean logit, split between both factors.
        self._weights = [
            (teacher.temperature * len(self._towers)) ** -0.5 for teacher in towers
        ]
        self.built = True

    def call(
        self, images: KerasTensor, token_ids: KerasTensor
    ) -> tuple[KerasTensor, KerasTensor]:
        """Returns embeddings whose inner products are the teachers' mean logits.

        Args:
            images: [B, S, S, 3], values 0..255.
            token_ids: int32 [B, L].

        Returns:
            (float32 [B, D] of the photos, float32 [B, D] of the texts), D being the sum
            of the teachers' embedding widths.
        """
        pairs = list(zip(self._towers, self._weights))
        image = [weight * teacher.encode_images(images) for teacher, weight in pairs]
        text = [weight * teacher.encode_tokens(token_ids) for teacher, weight in pairs]
        return (
            ops.stop_gradient(ops.concatenate(image, axis=-1)),
            ops.stop_gradient(ops.concatenate(text, axis=-1)),
        )


def distillation_loss(
    teacher_image: KerasTensor,
    teacher_text: KerasTensor,
    image: KerasTensor,
    text: KerasTensor,
    log_scale: KerasTensor,
) -> KerasTensor:
    """Returns the divergence of the student's softmax over a batch from its teachers'.

    The mean of the Kullback-Leibler divergences KL(teachers || student) of photos over
    texts and of texts over photos.

    Args:
        teacher_image: float32 [B, D], from `Teachers`.
        teacher_text: float32 [B, D], from `Teachers`.
        image: float32 [B, E], the student's, L2-normalised.
        text: float32 [B, E], the student's, L2-normalised.
        log_scale: scalar, the student's log of the inverse temperature.

    Returns:
        float32 scalar.
    """
    scale = ops.exp(ops.minimum(log_scale, MAX_LOG_SCALE))
    teacher = ops.matmul(teacher_image, ops.transpose(teacher_text))
    student = scale * ops.matmul(image, ops.transpose(text))
    return (
        _divergence(teacher, student, axis=1) + _divergence(teacher, student, axis=0)
    ) / 2.0


def _divergence(teacher: KerasTensor, student: KerasTensor, axis: int) -> KerasTensor:
    target = ops.log_softmax(teacher, axis=axis)
    difference = target - ops.log_softmax(student, axis=axis)
    return ops.mean(ops.sum(ops.exp(target) * difference, axis=axis))
