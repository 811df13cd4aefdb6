"""Intervals and tests against scipy's, and against counting."""

import itertools

import numpy as np
import pytest
from scipy import stats

from fitrank_tf.evaluation.significance import mean_and_interval, paired_randomisation


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_interval_is_students(count: int, level: float) -> None:
    values = np.random.default_rng(count).normal(0.5, 0.1, count)
    mean, half = mean_and_interval(values, level)
    low, high = stats.t.interval(
        level, count - 1, loc=values.mean(), scale=values.std(ddof=1) / np.sqrt(count)
    )
    assert (mean - half, mean + half) == pytest.approx((low, high))


def test_one_run_has_no_interval() -> None:
    mean, half = mean_and_interval([0.25])
    assert mean == 0.25 and np.isnan(half)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3])
def test_p_of_few_queries_is_exact(shift: float) -> None:
    """All 1,024 swaps of ten queries, counted here."""
    generator = np.random.default_rng(1)
    first = generator.random(10)
    second = first + generator.normal(shift, 0.2, 10)
    signs = np.array(list(itertools.product((-1, 1), repeat=10)))
    means = np.abs((signs * (first - second)).mean(axis=1))
    expected = np.mean(means >= abs((first - second).mean()) - 1e-12)
    assert paired_randomisation(first, second) == pytest.approx(expected)
    assert paired_randomisation(second, first) == pytest.approx(expected)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.3])
def test_p_of_many_queries_is_near_the_share_of_random_swaps(shift: float) -> None:
    generator = np.random.default_rng(1)
    first = generator.random(60)
    second = first + generator.normal(shift, 0.2, 60)
    signs = generator.choice((-1, 1), (20_000, 60))
    means = np.abs((signs * (first - second)).mean(axis=1))
    expected = np.mean(means >= abs((first - second).mean()))
    p = paired_randomisation(first, second)
    assert p == pytest.approx(expected, abs=0.015)
    assert p >= 1 / 10_001


def test_an_interval_holds_95_of_100_unless_told_otherwise() -> None:
    values = [0.1, 0.4, 0.2]
    assert mean_and_interval(values) == mean_and_interval(values, 0.95)


# Swaps are drawn a thousand at a time.
@pytest.mark.parametrize("rounds", [1, 999, 1000, 1001, 2500])
def test_the_real_assignment_is_one_of_those_that_are_counted(rounds: int) -> None:
    values = np.random.default_rng(0).random(60)
    assert paired_randomisation(values, values, rounds) == 1.0
    # No swap of sixty queries that all speak for one system is as large by chance.
    for better, worse in ((values + 1, values), (values, values + 1)):
        assert paired_randomisation(better, worse, rounds) == 1 / (rounds + 1)


def test_swaps_follow_the_seed() -> None:
    first, second = np.random.default_rng(3).random((2, 30))
    found = [paired_randomisation(first, second, 500, seed) for seed in (0, 1, 2)]
    assert found[0] == paired_randomisation(first, second, 500)
    assert len(set(found)) > 1
