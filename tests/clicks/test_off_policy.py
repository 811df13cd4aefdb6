"""Estimates from a log against what simulated shoppers then do."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.clicks.shoppers import Shoppers, browse, shop_rankings
from fitrank_tf.clicks.off_policy import policy_value
from fitrank_tf.clicks.propensities import estimate_propensities
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.rerank.baselines import ndcg_at_10

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
