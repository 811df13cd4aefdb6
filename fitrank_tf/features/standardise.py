"""Features of mean 0 and spread 1."""

import numpy as np
from keras import KerasTensor, ops

# A feature that never varies would be blown up by its rounding noise.
_LEAST_SPREAD = 1e-3
# A feature that is far off says no more than one that is this far off.
_MOST = 5.0


def standard_scale(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What to take off each feature and what to multiply it by.

    Args:
        features: float32 [N, F].

    Returns:
        (mean float32 [F], 1 / standard deviation float32 [F], 0 for a feature that does
        not vary).
    """
    spread = features.std(axis=0)
    scale = np.where(spread > _LEAST_SPREAD, 1.0 / np.maximum(spread, _LEAST_SPREAD), 0.0)
    return features.mean(axis=0), scale.astype(features.dtype)


def z_scores(values: KerasTensor, mean: KerasTensor, scale: KerasTensor) -> KerasTensor:
    """Values of mean 0 and spread 1, clipped.

    Args:
        values: float32 [..., F].
        mean: float32 [F], from `standard_scale`.
        scale: float32 [F], from `standard_scale`.
    """
    return ops.clip((values - mean) * scale, -_MOST, _MOST)
