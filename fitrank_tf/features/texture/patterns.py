"""Inputs and outputs of the pattern head: plain, striped, checked and printed."""

import numpy as np

from fitrank_tf.datasets.annotations.label_file import PATTERNS
from fitrank_tf.features.colour.palette import Colours
from fitrank_tf.features.schema import FeatureSlice


def pattern_slices() -> tuple[FeatureSlice, ...]:
    """Returns the slice of the pattern head's probabilities."""
    row = ("pattern", len(PATTERNS), ", ".join(PATTERNS), "probability", 0.0, 1.0)
    return FeatureSlice.consecutive("texture", [row])


def pattern_inputs(texture: np.ndarray, colours: Colours) -> np.ndarray:
    """Returns the inputs of the pattern head, float32 [B, F].

    Args:
        texture: float32 [B, T], from `statistics.texture_features`.
        colours: of the same products; prints have more dominant colours than stripes.
    """
    return np.concatenate([texture, colours.shares, colours.grid[:, :, 3]], axis=1)
