"""Grades of clicks against the formulas of their papers, pair by pair."""

import dataclasses

import numpy as np
import pytest

from fitrank_tf.clicks.counts import RANKED, ClickCounts
from fitrank_tf.clicks.propensities import Propensities
from fitrank_tf.clicks.relevance import ClickGrades, RelevanceConfig, click_grades
from fitrank_tf.core.errors import FitRankError
from tests.clicks.small_logs import log_of, random_log, rows_of

RELEVANT = 1 / np.arange(1, 5)
TRUSTING = np.array([0.05, 0.04, 0.02, 0.01])


def _expected(
    log: ClickCounts, found: Propensities, config: RelevanceConfig
) -> dict[tuple[int, int], float]:
    by_pair: dict[tuple[int, int], list] = {}
    for query, product, k, _, n, c in rows_of(log):
        a, b = found.relevant[k - 1], found.irrelevant[k - 1]
        by_pair.setdefault((query, product), []).append((a, b, n, c))
    grades = {}
    for pair, rows in by_pair.items():
        shown, clicks = (sum(row[n] for row in rows) for n in (2, 3))
        grades[pair] = {
            "ctr": clicks / shown,
            "clicks": clicks,
            "ipw": sum((c - b * n) / max(a - b, config.clip) for a, b, n, c in rows)
            / shown,
            "bayes": 0.0,
        }[config.estimate]
    if config.estimate == "bayes":
        earned = {pair: sum(c - b * n for a, b, n, c in of) for pair, of in by_pair.items()}
        looked = {
            pair: sum((a - b) * n for a, b, n, c in of) for pair, of in by_pair.items()
        }
        mean = sum(earned[pair] / looked[pair] for pair in by_pair) / len(by_pair)
        # Clicks and propensities of any two impressions of a pair.
        of_two = sum(
            earned[pair] ** 2 - sum(row[3] for row in of) for pair, of in by_pair.items()
        )
        chances = sum(
            looked[pair] ** 2 - sum((a - b) ** 2 * n for a, b, n, c in of)
            for pair, of in by_pair.items()
        )
        variance = of_two / chances - mean**2
        assert variance > 0
        # Of a gamma distribution: shape = mean^2 / variance, rate = mean / variance.
        shape, rate = mean**2 / variance, mean / variance
        grades = {pair: (earned[pair] + shape) / (looked[pair] + rate) for pair in by_pair}
    clicks = {
        query: sum(row[5] for row in rows_of(log) if row[0] == query)
        for query, _ in by_pair
    }
    shown = {pair: sum(row[2] for row in of) for pair, of in by_pair.items()}
    return {
        pair: max(grade, 0.0)
        for pair, grade in sorted(grades.items())
        if shown[pair] >= config.fewest_impressions
        and clicks[pair[0]] >= config.fewest_clicks
    }


@pytest.mark.parametrize("irrelevant", [np.zeros(4), TRUSTING], ids=["no trust", "trust"])
@pytest.mark.parametrize("estimate", ["ipw", "bayes", "ctr", "clicks"])
@pytest.mark.parametrize(
    "limits",
    [{}, {"clip": 0.0}, {"clip": 0.35}, {"fewest_impressions": 30}, {"fewest_clicks": 110}],
    ids=str,
)
def test_grades_are_those_of_the_formula(estimate: str, irrelevant, limits: dict) -> None:
    log, found = random_log(1), Propensities(RELEVANT, irrelevant, "em")
    config = RelevanceConfig(estimate, **limits)
    graded, expected = click_grades(log, found, config), _expected(log, found, config)
    assert [tuple(pair) for pair in graded.pairs.tolist()] == list(expected)
    np.testing.assert_allclose(graded.grades, list(expected.values()), rtol=1e-9)
    if "fewest_impressions" in limits or "fewest_clicks" in limits:
        assert len(graded.pairs) < len(log.pairs()[0])


def test_bounds_are_within_what_is_graded() -> None:
    log = log_of([(0, 0, 1, RANKED, 5, 2), (0, 1, 1, RANKED, 4, 1)], 1, 2)
    found = Propensities(np.ones(1), np.zeros(1), "em")
    for limits, left in (
        ({"fewest_impressions": 4}, 2),
        ({"fewest_impressions": 5}, 1),
        ({"fewest_clicks": 3}, 2),
    ):
        graded = click_grades(log, found, RelevanceConfig("ctr", **limits))
        assert len(graded.grades) == left
        assert graded.grades[0] == pytest.approx(2 / 5)
    for limits in ({"fewest_impressions": 6}, {"fewest_clicks": 4}):
        with pytest.raises(
            FitRankError, match=r"^no query has clicks enough to be graded: lower"
        ):
            click_grades(log, found, RelevanceConfig("ctr", **limits))


def test_single_impressions_have_an_exponential_prior() -> None:
    """Each pair was shown once: of the spread nothing is known, so it is the mean."""
    rows = [(0, n, 1 + n % 2, RANKED, 1, int(n < 3)) for n in range(8)]
    found = Propensities(np.array([1.0, 0.5]), np.zeros(2), "em")
    graded = click_grades(log_of(rows, 1, 8), found)
    # Clicks over examination: 1, 2, 1 of those clicked.
    mean = (1 + 2 + 1) / 8
    looked, clicked = np.array([1, 0.5] * 4), np.arange(8) < 3
    np.testing.assert_allclose(graded.grades, (clicked + 1) / (looked + 1 / mean))


def test_how_clicks_are_graded_unless_it_is_said() -> None:
    assert dataclasses.asdict(RelevanceConfig()) == {
        "estimate": "bayes",
        "clip": 0.05,
        "fewest_impressions": 1,
        "fewest_clicks": 1,
    }


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("estimate", ("ipw", "ctr"), ("mean",)),
        ("clip", (0.0, 0.5), (-0.1, 1.0)),
        ("fewest_impressions", (1, 9), (0, -1)),
        ("fewest_clicks", (0, 9), (-1,)),
    ],
)
def test_fields_have_bounds(field: str, good: tuple, bad: tuple) -> None:
    for value in good:
        assert getattr(RelevanceConfig(**{field: value}), field) == value
    for value in bad:
        with pytest.raises(FitRankError, match=field):
            RelevanceConfig(**{field: value})


def test_the_table_of_grades(tmp_path) -> None:
    log = log_of([(0, 1, 1, RANKED, 5, 2), (1, 0, 1, RANKED, 3, 1)], 2, 2)
    pairs = np.array([[0, 1], [1, 0]])
    ClickGrades(log, pairs, np.array([0.4, 1 / 3])).write(tmp_path / "grades.tsv")
    assert (tmp_path / "grades.tsv").read_text() == (
        "query\tproduct\tgrade\tweight\nq0\tp1\t0.4\t1\nq1\tp0\t0.333333\t1\n"
    )
