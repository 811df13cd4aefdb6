"""Simulated shoppers on interleaved pages: how soon the better of two rankings is found."""

from collections.abc import Sequence

import numpy as np

from benchmarks.clicks.shoppers import Shoppers
from fitrank_tf.clicks.interleaving import FIRST, SECOND, team_draft, wins


def clicks_by_team(
    shoppers: Shoppers,
    first: np.ndarray,
    second: np.ndarray,
    grades: np.ndarray,
    length: int,
    num_pages: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Clicks of each page on the products of each team.

    Args:
        shoppers: the population.
        first: int [Q, L], columns of `grades`, best first.
        second: the other ranking.
        grades: float [Q, L].
        length: of a page.
        num_pages: M, of queries drawn evenly.
        seed: of the draws.

    Returns:
        int [M] twice.
    """
    rng = np.random.default_rng(seed)
    query = rng.integers(len(grades), size=num_pages)
    drafts = [
        team_draft(first[row].tolist(), second[row].tolist(), length, rng)
        for row in query.tolist()
    ]
    shown = np.array([page for page, _ in drafts])
    teams = np.array([owners for _, owners in drafts])
    clicks = shoppers.click(np.take_along_axis(grades[query], shown, axis=1), rng)
    by_first, by_second = (
        (clicks & (teams == team)).sum(axis=1) for team in (FIRST, SECOND)
    )
    return by_first, by_second


def share_found(
    clicks: tuple[np.ndarray, np.ndarray], sizes: Sequence[int], rounds: int, seed: int
) -> list[float]:
    """How often the sign test names `SECOND` as the better, by the number of sessions.

    Args:
        clicks: of `clicks_by_team`, a page a session.
        sizes: numbers of sessions.
        rounds: draws of as many sessions.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    found = []
    for size in sizes:
        draws = rng.integers(len(clicks[0]), size=(rounds, size))
        named = [
            wins(*(of_team[draw] for of_team in clicks)).winner == SECOND for draw in draws
        ]
        found.append(float(np.mean(named)))
    return found
