"""Features of mean 0 and standard deviation 1, cut off at 5 standard deviations.

A scale is a standard deviation here and everywhere. Most models keep its inverse, which
can be 0: a feature that never varies, or that a model must not see, then reads as its mean.
Multiplying by the inverse and dividing by the scale round differently, so what was trained
with one is never run with the other.
"""

import numpy as np
from keras import KerasTensor, ops

# A feature that never varies would be blown up by its rounding noise.
_LEAST_SCALE = 1e-3
# A feature that is farther off says no more than one that is this far off.
_MOST_SCALES = 5.0


def mean_and_inverse_scale(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What `standardise_by_inverse` needs of the products to learn from.

    Args:
        features: float32 [N, F].

    Returns:
        (mean float32 [F], 1 / standard deviation float32 [F], 0 for a feature that does
        not vary).
    """
    scale = features.std(axis=0)
    inverse = np.where(scale > _LEAST_SCALE, 1.0 / np.maximum(scale, _LEAST_SCALE), 0.0)
    return features.mean(axis=0), inverse.astype(features.dtype)


def standardise_by_inverse(
    values: KerasTensor, mean: KerasTensor, inverse_scale: KerasTensor
) -> KerasTensor:
    """(values - mean) * inverse_scale, within -5 and 5.

    Args:
        values: float32 [..., F].
        mean: float32 [F].
        inverse_scale: float32 [F], 1 / standard deviation, or 0.

    Returns:
        float32 [..., F], an array if all three are NumPy's, else a tensor.
    """
    return _cut_off((values - mean) * inverse_scale)


def standardise(values: KerasTensor, mean: KerasTensor, scale: KerasTensor) -> KerasTensor:
    """(values - mean) / scale, within -5 and 5.

    Args:
        values: float32 [..., F].
        mean: float32 [F].
        scale: float32 [F], standard deviation, above 0.

    Returns:
        float32 [..., F], an array if all three are NumPy's, else a tensor.
    """
    return _cut_off((values - mean) / scale)


def _cut_off(values: KerasTensor) -> KerasTensor:
    # Heads in NumPy take microseconds, less than the way into another library.
    clip = np.clip if isinstance(values, np.ndarray) else ops.clip
    return clip(values, -_MOST_SCALES, _MOST_SCALES)
