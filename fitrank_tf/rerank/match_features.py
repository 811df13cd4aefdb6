"""What is known of a query and a candidate, in a few numbers, for rankers of a table.

The neural re-ranker works out the same inside its graph; a blend or LambdaMART takes them
from here.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.rerank.expected_grade import ExpectedGrade
from fitrank_tf.rerank.facet_heads import PROB_FLOOR
from fitrank_tf.rerank.gam import GamItem
from fitrank_tf.rerank.list_places import gap_to_best

_AT_ONCE = 256
# Of the facets' own columns together: a curve of these would hide what each facet gives.
_OF_ALL_FACETS = ("fit", "fit behind the best", "expected grade", "grade behind the best")
# Names of the columns after those of the facets.
_OF_LIST = (*_OF_ALL_FACETS, "score", "score behind the best", "rank")


def match_columns(facets: Sequence[str]) -> tuple[str, ...]:
    """Names of the numbers of `match_features`."""
    return (*(f"fits {f}" for f in facets), *(f"asks {f}" for f in facets), *_OF_LIST)


def gam_columns(facets: Sequence[str]) -> tuple[tuple[GamItem, ...], tuple[int, ...]]:
    """Which of the numbers a `GamRanker` draws a curve of, and which weigh the curves.

    Args:
        facets: F names.

    Returns:
        F + 3 numbers of a candidate, how well it fits a facet among them, and the F
        columns that say which facets the query asks for.
    """
    names = match_columns(facets)
    asks = {f"fits {facet}": names.index(f"asks {facet}") for facet in facets}
    items = (*asks, *(name for name in _OF_LIST if name not in _OF_ALL_FACETS))
    return (
        tuple(GamItem(name, names.index(name), asks.get(name)) for name in items),
        tuple(asks.values()),
    )


def match_features(
    lists: ListArrays, facet_probs: np.ndarray, facets: Mapping[str, int]
) -> np.ndarray:
    """The numbers of every candidate of every list.

    Args:
        lists: Q lists of L candidates.
        answers: float32 [N, V], chances of the facet values.
        facets: {facet: how many of the V values it has}, F of them.

    Returns:
        float32 [Q, L, 2 F + 7]: log of the chance of what is asked by facet (0 where
        nothing is), whether the facet is asked for, and the seven of `match_columns`.
    """
    parts = [
        _of_some(lists.select(rows), facet_probs, facets)
        for rows in np.split(np.arange(len(lists)), range(_AT_ONCE, len(lists), _AT_ONCE))
    ]
    return np.concatenate(parts)


def _of_some(
    lists: ListArrays, facet_probs: np.ndarray, facets: Mapping[str, int]
) -> np.ndarray:
    mask = lists.positions >= 0
    told = facet_probs[np.maximum(lists.positions, 0)]
    cuts = np.cumsum(list(facets.values()))[:-1]
    fits, asks, shares = [], [], []
    for query_facets, chances in zip(
        np.split(lists.query_facets, cuts, axis=1), np.split(told, cuts, axis=2)
    ):
        chance = np.einsum("qv,qlv->ql", query_facets, chances)
        is_asked = np.any(query_facets, axis=1)[:, None] & mask
        fit = np.log(PROB_FLOOR + (1.0 - PROB_FLOOR) * chance)
        fits.append(np.where(is_asked, fit, 0.0))
        asks.append(is_asked.astype(np.float32))
        shares.append(chance)
    fit = np.sum(fits, axis=0)
    expect = ExpectedGrade(list(facets))
    of_facets = np.stack(asks, axis=-1).max(axis=1, keepdims=True) > 0.0
    grade = expect(np.stack(shares, axis=-1).astype(np.float32), of_facets).numpy()
    ranks = np.tile(np.arange(mask.shape[1]), (len(mask), 1))
    score = np.where(mask, lists.scores, 0.0)
    sums = [(values, gap_to_best(values, mask)) for values in (fit, grade, score)]
    columns = [*fits, *asks, *itertools.chain(*sums), ranks]
    return np.stack(columns, axis=2).astype(np.float32)
