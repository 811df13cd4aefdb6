"""A function of products over a whole catalogue, some of them at a time."""

from collections.abc import Callable

import numpy as np

_AT_ONCE = 4096


def map_in_chunks(tell: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """What a function tells of N products.

    Args:
        tell: takes some rows of each of `arrays` and gives an array with these rows.
        arrays: [N, ...] each, N at least 1.

    Returns:
        [N, ...], the parts one after the other.
    """
    cuts = range(_AT_ONCE, len(arrays[0]), _AT_ONCE)
    parts = zip(*(np.split(array, cuts) for array in arrays))
    return np.concatenate([np.asarray(tell(*part)) for part in parts])
