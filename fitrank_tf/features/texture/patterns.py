"""The probability of plain, striped, checked and printed, from texture and colours."""

import numpy as np

from fitrank_tf.datasets.annotations.label_file import PATTERNS
from fitrank_tf.features.colour.palette import Colours
from fitrank_tf.features.schema import FeatureSlice


def pattern_slices() -> tuple[FeatureSlice, ...]:
    """The slice of a pattern head's probabilities."""
    row = ("pattern", len(PATTERNS), ", ".join(PATTERNS), "probability", 0.0, 1.0)
    return FeatureSlice.consecutive("texture", [row])


def pattern_inputs(texture: np.ndarray, colours: Colours) -> np.ndarray:
    """What a pattern head sees, float32 [B, F].

    Args:
        texture: float32 [B, T], from `texture.texture_features`.
        colours: of the same products: a print has more of them than a stripe.
    """
    return np.concatenate([texture, colours.shares, colours.grid[:, :, 3]], axis=1)
