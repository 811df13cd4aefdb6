"""Significance of differences: intervals over seeds, tests over queries."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def mean_and_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float]:
    """Returns the mean of repeated runs and half the width of Student's interval.

    Args:
        values: one for each run.
        level: of confidence.

    Returns:
        (mean, half width); the half width of a single value is NaN.
    """
    runs = np.asarray(values, np.float64)
    if len(runs) < 2:
        return float(runs.mean()), float("nan")
    spread = stats.sem(runs)
    return float(runs.mean()), float(spread * stats.t.ppf((1 + level) / 2, len(runs) - 1))


def paired_randomisation(
    first: Sequence[float] | np.ndarray,
    second: Sequence[float] | np.ndarray,
    rounds: int = 10_000,
    seed: int = 0,
) -> float:
    """Two-sided p of Fisher's paired randomisation test (Smucker et al., CIKM 2007).

    If the systems were one, each query's two values could as well be swapped.

    Args:
        first: a value for each query.
        second: the other system's, in the same order.
        rounds: random swaps to try; all swaps are tried if there are no more.
        seed: of the swaps.

    Returns:
        The share of swaps, the real assignment among them, whose mean difference is at
        least as large as the one seen.
    """
    differences = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    test = stats.permutation_test(
        (differences,),
        lambda swapped, axis: np.abs(np.mean(swapped, axis=axis)),
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=rounds,
        batch=1000,
        rng=np.random.default_rng(seed),
    )
    return float(test.pvalue)


def bootstrap_interval(
    first: Sequence[float] | np.ndarray,
    second: Sequence[float] | np.ndarray,
    level: float = 0.95,
    rounds: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of the mean difference of two systems, by drawing the queries again.

    Args:
        first: a value for each query.
        second: the other system's, in the same order.
        level: of confidence.
        rounds: draws of as many queries.
        seed: of the draws.

    Returns:
        (lowest, highest) of `first` less `second`, by percentiles.
    """
    differences = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    rng, count = np.random.default_rng(seed), len(differences)
    means = [differences[rng.integers(count, size=count)].mean() for _ in range(rounds)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
