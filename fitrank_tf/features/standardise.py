"""Standardises features to mean 0 and standard deviation 1, clipped to -5..5.

"Scale" always means the standard deviation. Most models store its inverse, which can be 0:
a constant feature, or one that a model must not use, is then replaced by its mean.
Multiplying by the inverse and dividing by the scale round differently, so a model trained
with one is never run with the other.
"""

import numpy as np
from keras import KerasTensor, ops

# Dividing a constant feature by its deviation would amplify rounding noise.
_LEAST_SCALE = 1e-3
# Values farther from the mean carry no more information than values this far from it.
_MOST_SCALES = 5.0


def mean_and_inverse_scale(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and inverse standard deviation, for `standardise_by_inverse`.

    Args:
        features: float32 [N, F], of the training products.

    Returns:
        (mean float32 [F], 1 / standard deviation float32 [F], 0 for a constant feature).
    """
    scale = features.std(axis=0)
    inverse = np.where(scale > _LEAST_SCALE, 1.0 / np.maximum(scale, _LEAST_SCALE), 0.0)
    return features.mean(axis=0), inverse.astype(features.dtype)


def standardise_by_inverse(
    values: KerasTensor, mean: KerasTensor, inverse_scale: KerasTensor
) -> KerasTensor:
    """Returns (values - mean) * inverse_scale, clipped to -5..5.

    Args:
        values: float32 [..., F].
        mean: float32 [F].
        inverse_scale: float32 [F], 1 / standard deviation, or 0.

    Returns:
        float32 [..., F], an array if all three are NumPy's, else a tensor.
    """
    return _cut_off((values - mean) * inverse_scale)


def standardise(values: KerasTensor, mean: KerasTensor, scale: KerasTensor) -> KerasTensor:
    """Returns (values - mean) / scale, clipped to -5..5.

    Args:
        values: float32 [..., F].
        mean: float32 [F].
        scale: float32 [F], standard deviation, above 0.

    Returns:
        float32 [..., F], an array if all three are NumPy's, else a tensor.
    """
    return _cut_off((values - mean) / scale)


def _cut_off(values: KerasTensor) -> KerasTensor:
    # The NumPy heads take microseconds, less than a call into another library.
    clip = np.clip if isinstance(values, np.ndarray) else ops.clip
    return clip(values, -_MOST_SCALES, _MOST_SCALES)
