"""Random colours of a batch, without photos."""

import numpy as np

from fitrank_tf.features.colour.palette import Colours


def colours_of(batch: int, seed: int = 0) -> Colours:
    """Random colours whose histograms and shares add up to 1."""
    rng = np.random.default_rng(seed)

    def numbers(*shape: int) -> np.ndarray:
        return rng.random((batch, *shape)).astype(np.float32)

    histogram, shares = numbers(228), numbers(5)
    return Colours(
        histogram=histogram / histogram.sum(axis=1, keepdims=True),
        grid=numbers(16, 4),
        palette=numbers(5, 3) * np.float32([100, 60, 60]),
        shares=shares / shares.sum(axis=1, keepdims=True),
        means=numbers(3),
        foreground=numbers(),
        skin=numbers(),
    )
