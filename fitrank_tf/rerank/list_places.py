"""Where a candidate's number stands in its list."""

import numpy as np


def gap_to_best(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """How far each candidate is from the best of its list.

    Args:
        values: float [Q, L].
        mask: bool [Q, L], False for padding; at least one of a list is True.

    Returns:
        float [Q, L], 0 for the best, below 0 for the others.
    """
    return values - np.where(mask, values, -np.inf).max(axis=1, keepdims=True)
