"""Applies a function to all products of a catalogue in chunks, to limit memory."""

from collections.abc import Callable

import numpy as np

_AT_ONCE = 4096


def map_in_chunks(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """The values of a function for N products, computed in chunks.

    Args:
        function: takes the same n rows of each of `arrays` and returns an array [n, ...].
        *arrays: arrays [N, ...], N at least 1.

    Returns:
        [N, ...], the results of all chunks.
    """
    cuts = range(_AT_ONCE, len(arrays[0]), _AT_ONCE)
    parts = zip(*(np.split(array, cuts) for array in arrays))
    return np.concatenate([np.asarray(function(*part)) for part in parts])
