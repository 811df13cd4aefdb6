"""Team-draft interleaving: two rankings on one page, and which of them is clicked more.

Radlinski, Kurup and Joachims, "How does clickthrough data reflect retrieval quality?",
CIKM 2008. In each round a coin says which ranking puts its best product that is not yet
shown first; each product belongs to the team of the ranking that put it there. The ranking
whose products get more clicks wins the page.
"""

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from fitrank_tf.core.errors import FitRankError

FIRST, SECOND = "A", "B"
# Columns of the log beside those that `read_click_log` reads.
COLUMNS = ("page", "session", "time", "query", "product", "position", "clicked", "team")
_LEVEL = 0.05


def team_draft(
    first: Sequence[str], second: Sequence[str], length: int, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Interleaves two rankings.

    Args:
        first: product ids of `FIRST`, the best first.
        second: of `SECOND`.
        length: of the page at most.
        rng: tosses the coins.

    Returns:
        (ids on the page, the team of each).
    """
    rest = {FIRST: iter(first), SECOND: iter(second)}
    page: dict[str, str] = {}
    while len(page) < length and rest:
        before = len(page)
        order = list(rest) if rng.random() < 0.5 else list(rest)[::-1]
        for team in order:
            if len(page) == length:
                break
            chosen = next((item for item in rest[team] if item not in page), None)
            if chosen is not None:
                page[chosen] = team
        if len(page) == before:
            break
    return list(page), list(page.values())


@dataclasses.dataclass(frozen=True)
class Wins:
    """Pages by winner.

    Attributes:
        first: pages on which `FIRST` had more clicks.
        second: pages on which `SECOND` had.
        ties: pages with clicks, on which both had as many.
        pages: all pages.
    """

    first: int
    second: int
    ties: int
    pages: int

    @property
    def p(self) -> float:
        """Two-sided p of the sign test; ties do not count."""
        decided = self.first + self.second
        return float(stats.binomtest(self.first, decided).pvalue) if decided else 1.0

    @property
    def winner(self) -> str:
        """`FIRST` or `SECOND`; "" while the test does not tell them apart."""
        if self.p >= _LEVEL:
            return ""
        return FIRST if self.first > self.second else SECOND

    def report(self) -> str:
        """The wins in words."""
        verdict = f"{self.winner} is better" if self.winner else "no winner yet"
        return (
            f"{self.pages:,} pages: {FIRST} wins {self.first:,}, {SECOND} wins "
            f"{self.second:,}, {self.ties:,} ties, {self._unclicked:,} without clicks; "
            f"{verdict} (sign test, p = {self.p:.4f})"
        )

    @property
    def _unclicked(self) -> int:
        return self.pages - self.first - self.second - self.ties


def wins(first_clicks: np.ndarray, second_clicks: np.ndarray) -> Wins:
    """Counts winners.

    Args:
        first_clicks: int [M], clicks on products of `FIRST` on each page.
        second_clicks: int [M], of `SECOND`.
    """
    clicked = first_clicks + second_clicks > 0
    return Wins(
        int((first_clicks > second_clicks).sum()),
        int((first_clicks < second_clicks).sum()),
        int(((first_clicks == second_clicks) & clicked).sum()),
        len(first_clicks),
    )


def read_wins(path: str) -> Wins:
    """Scores a log of interleaved pages.

    Args:
        path: CSV file with the columns `page`, `team` and `clicked`, as the servers write.

    Raises:
        FitRankError: if it cannot be read, lacks a column or holds no interleaved page.
    """
    clicks: dict[str, dict[str, int]] = {}
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["team"] in (FIRST, SECOND):
                    of_page = clicks.setdefault(row["page"], {FIRST: 0, SECOND: 0})
                    of_page[row["team"]] += row["clicked"] == "1"
    except OSError as error:
        raise FitRankError(
            f"cannot read {path}: {error.strerror}; check the path"
        ) from error
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise FitRankError(
            f"{path}: no log of interleaved pages ({error}); it needs the columns "
            "page, team and clicked"
        ) from error
    if not clicks:
        raise FitRankError(
            f"{path}: no page is interleaved: start the server with --interleave A,B"
        )
    first, second = (
        np.array([of_page[team] for of_page in clicks.values()]) for team in (FIRST, SECOND)
    )
    return wins(first, second)
