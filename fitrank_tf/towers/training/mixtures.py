"""Mixtures of the photos of a batch, and the contrastive loss of a mixture.

Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018. Each photo is mixed with
the one at the same place counted from the batch's end, all in one proportion; so the photo
in place i shows products i and B - 1 - i, and both their texts are right in part.
"""

from collections.abc import Callable

import keras
from keras import KerasTensor, ops


def draw_share(alpha: float, seeds: keras.random.SeedGenerator) -> KerasTensor:
    """A photo's part of its mixture: float32 scalar in [0.5, 1], by Beta(alpha, alpha)."""
    share = keras.random.beta((), alpha, alpha, seed=seeds)
    return ops.maximum(share, 1.0 - share)


def mix(values: KerasTensor, share: KerasTensor) -> KerasTensor:
    """`share` of each row [B, ...] and 1 - share of its partner."""
    return share * values + (1.0 - share) * ops.flip(values, axis=0)


def mixed_loss(
    pair_loss: Callable[[KerasTensor, KerasTensor, KerasTensor], KerasTensor],
    image: KerasTensor,
    text: KerasTensor,
    hidden: KerasTensor,
    share: KerasTensor,
) -> KerasTensor:
    """The loss with the own texts and that with the partners', in proportion.

    Args:
        pair_loss: (image, text, hidden) -> scalar, pairs being the rows of both.
        image: float32 [B, D], embeddings of mixtures.
        text: float32 [B, D], embeddings of the own texts.
        hidden: bool [B, B], pairs that are no negatives.
        share: scalar, of the own texts.

    Returns:
        float32 scalar. Neither text of a mixture is its negative.
    """
    partner = ops.flip(ops.eye(ops.shape(hidden)[0], dtype="bool"), axis=1)
    own = pair_loss(image, text, ops.logical_or(hidden, partner))
    swapped = ops.logical_or(ops.flip(hidden, axis=1), partner)
    other = pair_loss(image, ops.flip(text, axis=0), swapped)
    return share * own + (1.0 - share) * other
