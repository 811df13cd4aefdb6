"""Mixtures of the photos of a batch, and the contrastive loss of a mixture.

Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018. Photo i is mixed with photo
B - 1 - i, all in one proportion, so it shows both products, and both texts are partly
right.
"""

from collections.abc import Callable

import keras
from keras import KerasTensor, ops


def draw_share(alpha: float, seeds: keras.random.SeedGenerator) -> KerasTensor:
    """Draws a photo's share of its mixture from Beta(alpha, alpha), folded to [0.5, 1].

    Args:
        alpha: of the distribution, above 0.
        seeds: of the draw.

    Returns:
        float32 scalar.
    """
    share = keras.random.beta((), alpha, alpha, seed=seeds)
    return ops.maximum(share, 1.0 - share)


def mix(values: KerasTensor, share: KerasTensor) -> KerasTensor:
    """Mixes `share` of each row [B, ...] with 1 - share of its partner."""
    return share * values + (1.0 - share) * ops.flip(values, axis=0)


def mixed_loss(
    pair_loss: Callable[[KerasTensor, KerasTensor, KerasTensor], KerasTensor],
    image: KerasTensor,
    text: KerasTensor,
    hidden: KerasTensor,
    share: KerasTensor,
) -> KerasTensor:
    """Returns the weighted mean of the losses with the own and with the partners' texts.

    Args:
        pair_loss: (image, text, hidden) -> scalar, pairs being the rows of both.
        image: float32 [B, D], embeddings of mixtures.
        text: float32 [B, D], embeddings of the own texts.
        hidden: bool [B, B], pairs to exclude from the negatives; both texts of a mixture
            are excluded besides.
        share: scalar, weight of the own texts.

    Returns:
        float32 scalar.
    """
    partner = ops.flip(ops.eye(ops.shape(hidden)[0], dtype="bool"), axis=1)
    own = pair_loss(image, text, ops.logical_or(hidden, partner))
    swapped = ops.logical_or(ops.flip(hidden, axis=1), partner)
    other = pair_loss(image, ops.flip(text, axis=0), swapped)
    return share * own + (1.0 - share) * other
