"""Team drafts, and the winner that shoppers' clicks tell."""

import csv

import numpy as np
import pytest
from scipy import stats

from benchmarks.clicks.interleaved import clicks_by_team
from benchmarks.clicks.shoppers import Shoppers
from fitrank_tf.clicks.interleaving import (
    COLUMNS,
    FIRST,
    SECOND,
    read_wins,
    team_draft,
    wins,
)
from fitrank_tf.core.errors import FitRankError


@pytest.mark.parametrize(
    ("first", "second", "length", "pages"),
    [
        # Radlinski et al. (2008): either may begin each round.
        ("abc", "bdc", 4, {"abcd", "abdc", "bacd", "badc"}),
        ("ab", "ab", 2, {"ab"}),
        ("a", "xyz", 9, {"axyz", "xayz"}),
        ("", "xy", 9, {"xy"}),
    ],
)
def test_pages_are_those_of_the_draft(first, second, length, pages):
    rng = np.random.default_rng(0)
    drafts = [team_draft(first, second, length, rng) for _ in range(200)]
    assert {"".join(page) for page, _ in drafts} == pages
    for page, teams in drafts:
        owned = {team: [p for p, t in zip(page, teams) if t == team] for team in "AB"}
        assert owned[FIRST] == [item for item in first if item in owned[FIRST]]
        assert owned[SECOND] == [item for item in second if item in owned[SECOND]]


def test_the_page_favours_neither_of_equal_rankings():
    rng = np.random.default_rng(0)
    top = [team_draft("abc", "abc", 3, rng)[1][0] for _ in range(2000)]
    assert stats.binomtest(top.count(FIRST), len(top)).pvalue > 0.01


@pytest.mark.parametrize("better", ["A", "B", ""])
def test_the_better_ranking_wins(better):
    grades = np.random.default_rng(0).integers(0, 5, (50, 12))
    noisy = grades + np.random.default_rng(1).normal(0, 4, grades.shape)
    good, bad = (np.argsort(-scores, axis=1) for scores in (grades, noisy))
    rankings = {"A": (good, bad), "B": (bad, good), "": (bad, bad)}[better]
    teams = clicks_by_team(Shoppers(), *rankings, grades, 10, 3000, 0)
    assert wins(*teams).winner == better


def test_the_log_of_a_server_is_scored(tmp_path):
    path = tmp_path / "log.csv"
    with path.open("w", newline="") as file:
        log = csv.DictWriter(file, COLUMNS, restval="x")
        log.writeheader()
        for page in range(30):
            for team, clicked in ((FIRST, page == 0), (SECOND, page > 5)):
                log.writerow({"page": page, "team": team, "clicked": int(clicked)})
    found = read_wins(str(path))
    assert (found.first, found.second, found.ties, found.pages) == (1, 24, 0, 30)
    assert found.p == pytest.approx(stats.binomtest(1, 25).pvalue)
    assert "B is better" in found.report()
    path.write_text("page,clicked\n1,1\n")
    with pytest.raises(FitRankError, match="team"):
        read_wins(str(path))
