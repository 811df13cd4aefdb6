"""A function of products over a whole catalogue, some of them at a time."""

from collections.abc import Callable

import numpy as np

_AT_ONCE = 4096


def map_in_chunks(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """The values of a function for N products.

    Args:
        function: takes some rows of each of `arrays` and gives an array with these rows.
        arrays: [N, ...] each, N at least 1.

    Returns:
        [N, ...], the parts one after the other.
    """
    cuts = range(_AT_ONCE, len(arrays[0]), _AT_ONCE)
    parts = zip(*(np.split(array, cuts) for array in arrays))
    return np.concatenate([np.asarray(function(*part)) for part in parts])
