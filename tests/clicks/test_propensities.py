"""Propensities against those of shoppers whose attention is known."""

import dataclasses
import itertools

import numpy as np
import pytest

from benchmarks.clicks.shoppers import Shoppers, browse, shop_rankings
from fitrank_tf.clicks.counts import RANDOMISED, RANKED, SWAPPED, ClickCounts
from fitrank_tf.clicks.propensities import (
    EM,
    HARVEST,
    RANDOM,
    PropensityConfig,
    estimate_propensities,
)
from fitrank_tf.clicks.relevance import RelevanceConfig, click_grades
from fitrank_tf.core.errors import FitRankError
from tests.clicks.small_logs import log_of, random_log, rows_of

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


@pytest.mark.parametrize("method", ["regression", EM, HARVEST])
def test_rare_clicks_say_the_same(method):
    """With click rates below a half em starts where its first step leaves it."""
    shoppers = Shoppers(eta=1.0)
    log = _log(shoppers)
    rare = np.random.default_rng(0).binomial(log.clicks, 0.2)
    log, features = dataclasses.replace(log, clicks=rare), None
    if method == "regression":
        pairs, _ = log.pairs()
        features = np.eye(5)[_grades()[pairs[:, 0], pairs[:, 1]]]
    config = PropensityConfig(method=HARVEST if method == HARVEST else EM)
    found = estimate_propensities(log, config, features)
    np.testing.assert_allclose(found.relevant, shoppers.examination(_LENGTH), rtol=0.1)


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


def test_rates_of_drawn_rows_by_hand():
    rows = [
        *((0, 0, 1, RANDOMISED, 10, 4), (0, 1, 1, RANDOMISED, 40, 16)),
        *((0, 1, 2, RANDOMISED, 20, 4), (0, 0, 3, RANDOMISED, 10, 1)),
        *((0, 2, 1, RANKED, 100, 0), (0, 2, 4, RANKED, 100, 90)),
    ]
    log = log_of(rows, 1, 3)
    found = estimate_propensities(
        log.select(log.position < 4), PropensityConfig(method=RANDOM)
    )
    np.testing.assert_allclose(found.relevant, [1, 0.5, 0.25])
    assert (found.method, found.iterations, found.converged) == (RANDOM, 0, True)
    assert found.irrelevant.tolist() == [0, 0, 0]


def test_a_position_that_was_never_drawn_is_named():
    rows = [(0, 0, k, RANDOMISED, 10, 2) for k in (1, 2, 4)]
    message = (
        "no drawn row is at position 3; draw all positions, or read fewer with --most_p"
    )
    with pytest.raises(FitRankError, match=rf"{message}ositions 2$"):
        estimate_propensities(log_of(rows, 1, 1), PropensityConfig(method=RANDOM))


@pytest.mark.parametrize("method", [RANDOM, HARVEST, EM])
def test_without_clicks_at_the_top_nothing_is_known(method: str):
    rows = [(0, n, k, RANDOMISED, 10, 3 * (k > 1)) for n in range(2) for k in (1, 2)]
    log = log_of(rows, 1, 2)
    if method == HARVEST:
        log = dataclasses.replace(log, clicks=0 * log.clicks)
    with pytest.raises(FitRankError, match="clicked"):
        estimate_propensities(log, PropensityConfig(method=method))


@pytest.mark.parametrize("marks", [RANKED, SWAPPED])
def test_products_of_several_positions_share_their_clicks(marks: int):
    """Shown alike at each position, their propensities are as their clicks."""
    rows = [
        (n, n, k, marks, 100, c)
        for n, c_of in enumerate([(40, 20, 10), (20, 12, 2)])
        for k, c in enumerate(c_of, 1)
    ]
    # Shown at one position alone, or with others at several but never swapped.
    rows += [(2, 2, 1, RANKED, 500, 499)]
    if marks == SWAPPED:
        rows += [(3, 3, k, RANKED, 50, 40) for k in (1, 2, 3)]
    found = estimate_propensities(log_of(rows, 4, 4), PropensityConfig(method=HARVEST))
    np.testing.assert_allclose(found.relevant, [1, 32 / 60, 12 / 60], rtol=1e-9)
    assert (found.method, found.iterations, found.converged) == (HARVEST, 0, True)


@pytest.mark.parametrize("seed", range(3))
def test_harvested_propensities_are_the_likeliest(seed: int):
    """Where the likelihood is highest, the clicks of a position are the expected ones."""
    log = random_log(seed, rows=120)
    chance = estimate_propensities(log, PropensityConfig(method=HARVEST)).relevant
    by_pair: dict[tuple[int, int], list] = {}
    for row in rows_of(log):
        by_pair.setdefault(row[:2], []).append(row)
    clicks, expected = np.zeros(4), np.zeros(4)
    for rows in by_pair.values():
        of_pair = sum(row[4] * chance[row[2] - 1] for row in rows)
        for _, _, k, _, n, c in rows:
            clicks[k - 1] += c
            expected[k - 1] += sum(row[5] for row in rows) * n * chance[k - 1] / of_pair
    np.testing.assert_allclose(expected, clicks, rtol=1e-6)


def test_a_position_that_is_joined_to_no_other_is_named():
    rows = [(0, 0, 1, RANKED, 9, 3), (0, 0, 2, RANKED, 9, 2)]
    rows += [(0, 1, 3, RANKED, 9, 3), (0, 1, 4, RANKED, 9, 2)]
    with pytest.raises(FitRankError, match="no clicked product of position 3 was shown at"):
        estimate_propensities(log_of(rows, 1, 2), PropensityConfig(method=HARVEST))
    # Joined by way of others.
    rows += [(0, 2, 4, RANKED, 9, 1), (0, 2, 2, RANKED, 9, 1)]
    found = estimate_propensities(log_of(rows, 1, 3), PropensityConfig(method=HARVEST))
    np.testing.assert_allclose(found.relevant, [1, 2 / 3, 1, 2 / 3], rtol=1e-6)


@pytest.mark.parametrize(
    ("drawn", "moved", "trust", "method"),
    [
        (500, 0, False, RANDOM),
        (499, 500, False, HARVEST),
        (499, 499, False, EM),
        (0, 500, False, HARVEST),
        (500, 500, True, EM),
        (0, 0, False, EM),
    ],
)
def test_the_method_is_the_first_with_500_clicks(drawn, moved, trust: bool, method: str):
    rows = [
        (0, 0, 1, RANDOMISED, 900, drawn - drawn // 2),
        (1, 1, 2, RANDOMISED, 900, drawn // 2),
    ]
    rows += [(2, 2, 1, RANKED, 900, moved - moved // 2), (2, 2, 2, RANKED, 900, moved // 2)]
    rows += [(3, 3, 1, RANKED, 900, 9), (4, 4, 2, RANKED, 900, 9)]
    config = PropensityConfig(trust_bias=trust)
    assert estimate_propensities(log_of(rows, 5, 5), config).method == method


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("iterations", [1, 3])
def test_steps_of_em_row_by_row(iterations: int, trust: bool, caplog):
    """Wang et al., section 4.2; with trust bias Agarwal et al. (WWW 2019), section 3.3."""
    log = random_log(0)
    rows = rows_of(log)
    at = {k: [row for row in rows if row[2] == k] for k in range(1, 5)}
    high = {
        k: min(max(2 * sum(r[5] for r in of) / sum(r[4] for r in of), 0.01), 0.99)
        for k, of in at.items()
    }
    low = {k: a / 10 if trust else 0.0 for k, a in high.items()}
    relevance = {row[:2]: 0.5 for row in rows}
    for _ in range(iterations):
        liked, relevant = {}, {}
        for row in rows:
            r, a, b = relevance[row[:2]], high[row[2]], low[row[2]]
            clicked = a * r / (a * r + b * (1 - r))
            missed = (1 - a) * r / ((1 - a) * r + (1 - b) * (1 - r))
            liked[row] = row[5] * clicked
            relevant[row] = liked[row] + (row[4] - row[5]) * missed
        for k, of in at.items():
            high[k] = sum(liked[row] for row in of) / sum(relevant[row] for row in of)
            others = sum(row[4] - relevant[row] for row in of)
            low[k] = sum(row[5] - liked[row] for row in of) / others
        relevance = {
            pair: sum(relevant[row] for row in rows if row[:2] == pair)
            / sum(row[4] for row in rows if row[:2] == pair)
            for pair in relevance
        }
    found = estimate_propensities(
        log, PropensityConfig(EM, trust, iterations=iterations, tolerance=1e-9)
    )
    top = high[1]
    np.testing.assert_allclose(found.relevant, [high[k] / top for k in range(1, 5)])
    np.testing.assert_allclose(
        found.irrelevant, [low[k] / top for k in range(1, 5)], atol=1e-12
    )
    assert (found.iterations, found.converged) == (iterations, False)
    said = f"em has not converged after {iterations} iterations; raise --iterations"
    assert caplog.messages == [f"position bias: {said}"]


def test_em_ends_when_no_propensity_changes_by_the_tolerance(caplog):
    log = random_log(0)
    steps = [
        estimate_propensities(log, PropensityConfig(EM, iterations=n, tolerance=1e-12))
        for n in range(1, 40)
    ]
    changes = [np.abs(b.relevant - a.relevant).max() for a, b in itertools.pairwise(steps)]
    caplog.clear()
    found = estimate_propensities(log, PropensityConfig(EM, tolerance=0.003))
    first = 2 + next(n for n, change in enumerate(changes) if change < 0.003)
    assert 2 < first == found.iterations and found.converged and not caplog.messages
    np.testing.assert_array_equal(found.relevant, steps[first - 1].relevant)


def test_how_position_bias_is_estimated_unless_it_is_said():
    assert dataclasses.asdict(PropensityConfig()) == {
        "method": "auto",
        "trust_bias": False,
        "iterations": 500,
        "tolerance": 1e-4,
    }


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"method": "best"}, "method"),
        ({"iterations": 0}, "iterations"),
        ({"tolerance": 0.0}, "tolerance"),
        (
            {"method": HARVEST, "trust_bias": True},
            "--trust_bias needs --method em, not harv",
        ),
        (
            {"method": RANDOM, "trust_bias": True},
            "--trust_bias needs --method em, not rand",
        ),
    ],
)
def test_options_that_cannot_be(options: dict, word: str):
    with pytest.raises(FitRankError, match=word):
        PropensityConfig(**options)
