"""Propensities against those of shoppers whose attention is known."""

import dataclasses

import numpy as np
import pytest

from benchmarks.clicks.shoppers import Shoppers, browse, shop_rankings
from fitrank_tf.clicks.counts import RANDOMISED, SWAPPED, ClickCounts
from fitrank_tf.clicks.propensities import (
    EM,
    HARVEST,
    RANDOM,
    PropensityConfig,
    estimate_propensities,
)
from fitrank_tf.clicks.relevance import RelevanceConfig, click_grades
from fitrank_tf.core.errors import FitRankError

_QUERIES, _PRODUCTS, _LENGTH, _PAGES = 150, 12, 5, 60_000


def _grades() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 5, (_QUERIES, _PRODUCTS))


def _log(
    shoppers: Shoppers, rankings: int = 5, change: float = 1.0, pages: int = _PAGES
) -> ClickCounts:
    grades = _grades()
    shown = shop_rankings(grades + 0.0, rankings, _LENGTH, change, seed=1)
    return browse(shoppers, shown, grades, pages, seed=2).counts(_QUERIES, _PRODUCTS)


@pytest.mark.parametrize("eta", [1.0, 2.0])
@pytest.mark.parametrize("method", ["regression", EM, HARVEST, SWAPPED, RANDOM])
def test_propensities_are_those_of_the_shoppers(eta, method):
    shoppers = Shoppers(eta=eta)
    if method == RANDOM:
        log = _log(shoppers, rankings=400, change=1e6)
        log = dataclasses.replace(
            log, intervention=np.full_like(log.intervention, RANDOMISED)
        )
    else:
        log = _log(shoppers)
    features = None
    if method == "regression":
        pairs, _ = log.pairs()
        features = np.eye(5)[_grades()[pairs[:, 0], pairs[:, 1]]]
    if method == SWAPPED:
        moved = log.intervention.copy()
        moved[np.random.default_rng(0).random(len(log)) < 0.5] = SWAPPED
        log = dataclasses.replace(log, intervention=moved)
    name = {"regression": EM, SWAPPED: "auto"}.get(method, method)
    found = estimate_propensities(log, PropensityConfig(method=name), features)
    assert found.method == (HARVEST if method == SWAPPED else name) and found.converged
    np.testing.assert_allclose(found.relevant, shoppers.examination(_LENGTH), rtol=0.1)
    assert not found.irrelevant.any()


def test_trust_bias_is_told_from_examination():
    shoppers = Shoppers(eta=1.0, noise=0.0, trust=0.4)
    log = _log(shoppers, pages=4 * _PAGES)
    found = estimate_propensities(log, PropensityConfig(method=EM, trust_bias=True))
    relevant, irrelevant = (
        shoppers.examination(_LENGTH) * shoppers.attraction(np.full(_LENGTH, grade))
        for grade in (4, 0)
    )
    share = found.irrelevant / found.relevant
    np.testing.assert_allclose(share, irrelevant / relevant, atol=0.1)
    np.testing.assert_allclose(found.relevant, relevant / relevant[0], rtol=0.15)


def test_weighted_clicks_are_the_relevance_and_plain_ones_are_not():
    shoppers, grades = Shoppers(eta=1.0), _grades()
    log = _log(shoppers, pages=20 * _PAGES)
    found = estimate_propensities(log)
    errors = {}
    for estimate in ("ipw", "bayes", "ctr", "clicks"):
        graded = click_grades(log, found, RelevanceConfig(estimate, clip=0.01))
        truth = shoppers.attraction(grades[graded.pairs[:, 0], graded.pairs[:, 1]])
        known = graded.counts.pairs()[1]
        often = np.bincount(known, log.impressions) > 3000
        errors[estimate] = np.abs(graded.grades / truth - 1)[often].mean()
    assert errors["ipw"] < 0.1 and errors["bayes"] < 0.1
    assert errors["ctr"] > 0.25 and errors["clicks"] > 1


def test_little_evidence_is_drawn_to_the_mean():
    shoppers, grades = Shoppers(eta=1.0), _grades()
    log = _log(shoppers, pages=1500)
    found = estimate_propensities(log, PropensityConfig(method=HARVEST))
    errors = []
    for estimate in ("bayes", "ipw"):
        graded = click_grades(log, found, RelevanceConfig(estimate, fewest_clicks=0))
        truth = shoppers.attraction(grades[graded.pairs[:, 0], graded.pairs[:, 1]])
        errors.append(np.sqrt(np.mean((graded.grades - truth) ** 2)))
    assert errors[0] < 0.6 * errors[1]
    assert errors[0] < 0.9 * truth.std()


def test_grades_become_a_table_of_training(tmp_path):
    log = _log(Shoppers(), pages=300)
    graded = click_grades(log, estimate_propensities(log, PropensityConfig(method=EM)))
    graded.write(tmp_path / "grades.tsv")
    header, *lines = (tmp_path / "grades.tsv").read_text().splitlines()
    assert header.split("\t") == ["query", "product", "grade", "weight"]
    assert len(lines) == len(graded.pairs)
    first = lines[0].split("\t")
    assert first[0] == log.queries[graded.pairs[0, 0]]
    assert float(first[2]) == pytest.approx(graded.grades[0], rel=1e-4)


@pytest.mark.parametrize(
    ("change", "method", "mend"),
    [(0.0, HARVEST, "--method em"), (0.0, RANDOM, "--columns randomised")],
)
def test_a_log_without_what_a_method_needs_is_refused(change, method, mend):
    log = _log(Shoppers(), rankings=1, change=change, pages=500)
    with pytest.raises(FitRankError, match=mend):
        estimate_propensities(log, PropensityConfig(method=method))
