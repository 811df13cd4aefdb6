"""Estimates from a log against what simulated shoppers then do."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.clicks.shoppers import Shoppers, browse, shop_rankings
from fitrank_tf.clicks.counts import RANKED, ClickCounts
from fitrank_tf.clicks.off_policy import PolicyValue, policy_value
from fitrank_tf.clicks.propensities import Propensities, estimate_propensities
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.rerank.baselines import ndcg_at_10
from tests.clicks.small_logs import log_of, random_log, rows_of

_QUERIES, _PRODUCTS, _LENGTH = 200, 15, 10
_SHOPPERS = Shoppers(eta=1.0)


@pytest.fixture(scope="module")
def logged():
    grades = np.random.default_rng(0).integers(0, 5, (_QUERIES, _PRODUCTS))
    shown = shop_rankings(grades + 0.0, 6, _LENGTH, 2.0, seed=1)
    log = browse(_SHOPPERS, shown, grades, 40_000, 2).counts(_QUERIES, _PRODUCTS)
    return grades, log, estimate_propensities(log)


def _rankings(order: np.ndarray) -> dict[str, list[str]]:
    return {str(query): list(map(str, row)) for query, row in enumerate(order.tolist())}


def test_estimates_order_rankers_as_their_true_ndcg_does(logged):
    grades, log, propensities = logged
    truth, values, clicks = [], [], []
    for noise in (0.0, 1.0, 2.0, 4.0, 16.0):
        scores = grades + np.random.default_rng(3).normal(0, noise, grades.shape)
        order = np.argsort(-scores, axis=1)
        truth.append(ndcg_at_10(scores, grades).mean())
        values.append(policy_value(log, propensities, _rankings(order)))
        pages = browse(_SHOPPERS, order[None, :, :_LENGTH], grades, 40_000, 5)
        clicks.append(pages.clicks.sum(axis=1).mean())
    snips = [value.snips for value in values]
    assert stats.kendalltau(truth, snips).statistic == pytest.approx(1)
    np.testing.assert_allclose(snips, clicks, rtol=0.05)
    np.testing.assert_allclose([value.ips for value in values], clicks, rtol=0.05)
    for value in values:
        assert value.interval[0] < value.snips < value.interval[1]
        assert value.covered > 0.95 and not value.warning


def test_little_evidence_is_warned_of(logged):
    grades, log, propensities = logged
    order = _rankings(np.argsort(grades, axis=1))
    few = log.select(log.query < 2)
    assert "effective" in policy_value(few, propensities, order).warning
    gone = {query: [f"new {n}" for n in range(9)] + row for query, row in order.items()}
    value = policy_value(log, propensities, gone)
    assert value.covered < 0.1 and value.warning
    with pytest.raises(FitRankError, match="no query"):
        policy_value(log, propensities, {"another": ["1"]})
    with pytest.raises(FitRankError, match="product ids"):
        policy_value(log, propensities, {"1": ["x"]})


_CHANCE = np.array([1.0, 0.5, 0.2, 0.05, 0.01])


def _pair_by_pair(
    log: ClickCounts, rankings: dict[str, list[str]], most_weight: float
) -> dict[str, float]:
    rows = [row for row in rows_of(log) if log.queries[row[0]] in rankings]
    earned = looked = squares = weights = 0.0
    for query, product in {row[:2] for row in rows}:
        of_pair = [row for row in rows if row[:2] == (query, product)]
        order = rankings[log.queries[query]][: log.num_positions]
        name = log.products[product]
        wanted = _CHANCE[order.index(name)] if name in order else 0.0
        given = sum(n * _CHANCE[k - 1] for *_, k, _, n, _ in of_pair)
        pages = sum(row[4] for row in rows if (row[0], row[2]) == (query, 1))
        weight = min(wanted * pages / given, most_weight)
        earned += weight * sum(row[5] for row in of_pair)
        looked += weight * given
        shown = sum(row[4] for row in of_pair)
        weights, squares = weights + weight * shown, squares + weight**2 * shown
    pages = sum(row[4] for row in rows if row[2] == 1)
    whole = _CHANCE[: log.num_positions].sum()
    return {
        "ips": earned / pages,
        "snips": earned / looked * whole,
        "effective": weights**2 / squares,
        "covered": looked / (whole * pages),
        "queries": len({row[0] for row in rows}),
    }


@pytest.mark.parametrize("most_weight", [100.0, 1.5, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_values_are_those_of_the_formula(seed: int, most_weight: float):
    log = random_log(seed, rows=150, queries=6)
    rng = np.random.default_rng(seed)
    rankings = {
        f"q{query}": [f"p{n}" for n in rng.permutation(9)][: 3 + query]
        for query in (0, 1, 2, 4, 9)
    }
    value = policy_value(
        log, Propensities(_CHANCE, 0 * _CHANCE, "em"), rankings, most_weight
    )
    for name, expected in _pair_by_pair(log, rankings, most_weight).items():
        assert getattr(value, name) == pytest.approx(expected), name
    assert value.interval[0] <= value.snips <= value.interval[1]


def test_a_value_by_hand():
    log = log_of([(0, 0, 1, RANKED, 10, 4), (0, 1, 2, RANKED, 10, 1)], 1, 2)
    value = policy_value(
        log, Propensities(_CHANCE, 0 * _CHANCE, "em"), {"q0": ["p1", "p0"]}
    )
    # Weights 0.5 / 1 and 1 / 0.5: 2 + 2 clicks of 5 + 10 examinations on 10 pages.
    assert (value.ips, value.snips) == pytest.approx((4 / 10, 4 / 15 * 1.5))
    assert value.interval == pytest.approx((value.snips, value.snips))
    assert value.effective == pytest.approx((5 + 20) ** 2 / (2.5 + 40))
    assert (value.covered, value.queries) == (pytest.approx(1), 1)


def test_the_interval_is_that_of_queries_drawn_anew():
    """Of two queries a quarter of the draws each are the one alone or the other."""
    rows = [(0, 0, 1, RANKED, 10, 4), (1, 1, 1, RANKED, 30, 3)]
    propensities = Propensities(np.ones(1), np.zeros(1), "em")
    value = policy_value(log_of(rows, 2, 2), propensities, {"q0": ["p0"], "q1": ["p1"]})
    assert value.snips == pytest.approx(7 / 40)
    assert value.interval == pytest.approx((0.1, 0.4))


def test_queries_that_show_one_product_have_their_own_rankings():
    rows = [(query, 0, 1, RANKED, 10, 2 + query) for query in range(3)]
    rankings = {"q0": ["p0"], "q1": ["p1", "p0"], "q2": []}
    rows += [(1, 1, 2, RANKED, 10, 0)]
    value = policy_value(
        log_of(rows, 3, 2), Propensities(_CHANCE, 0 * _CHANCE, "em"), rankings
    )
    # 2 clicks, half of 3 and none, on 30 pages.
    assert value.ips == pytest.approx((2 + 1.5) / 30)


@pytest.mark.parametrize(
    ("effective", "covered", "warning"),
    [
        (1000.0, 0.5, ""),
        (5e6, 1.0, ""),
        (999.4, 0.4, "effective sample of 999 impressions, below 1000: give a larger log,"),
        (1000.0, 0.49, "the log has shown 49% of what this ranking puts on its pages:"),
    ],
)
def test_what_speaks_against_an_estimate(effective: float, covered: float, warning: str):
    value = PolicyValue(0.1, 0.1, (0.0, 0.2), effective, covered, 3)
    assert value.warning.startswith(warning) and bool(value.warning) == bool(warning)
