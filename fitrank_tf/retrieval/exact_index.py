"""Exact candidate search: every item is scored."""

from collections.abc import Iterable, Iterator

import numpy as np

from fitrank_tf.core.progress import tracked
from fitrank_tf.retrieval.candidate_index import (
    CandidateIndex,
    Candidates,
    Shortlists,
    rank_shortlists,
)

# Scores in memory at a time: 2**25 float32 are 128 MiB, whatever the catalogue's size.
_SCORES_AT_ONCE = 2**25

# Most scores per group. A row of scores is divided into groups: the k-th largest of the
# groups' maxima is a lower bound of the k-th best score, found in one pass over the scores
# instead of partitioning them.
_GROUP = 64
_GROUPS_FOR_ONE = 4

# More than the float32 product of two unit vectors of some thousand dimensions
# rounds (about sqrt(D) * 2**-24), so no item that ties for the last place is lost.
_ROUNDING = 1e-5

# If a smaller share of the items passes a filter, copying them is cheaper than scoring all:
# of 50,000 vectors, 1 % were searched in a quarter of the time, 50 % in three times the
# time of all for one query, and in the same for a hundred.
_COPIED_SHARE = 0.25


class ExactIndex(CandidateIndex):
    """Scores every item by a matrix product, some queries at a time.

    Example:
        >>> index = ExactIndex(np.eye(3, dtype=np.float32))
        >>> index.search(np.array([[0.6, 0.8, 0.0]], np.float32), k=2).positions
        array([[1, 0]], dtype=int32)
    """

    @property
    def is_exact(self) -> bool:
        return True

    def describe(self) -> str:
        return f"exact search of {self.num_items} items"

    def _shortlists(self, queries: np.ndarray, k: int) -> Iterator[Shortlists]:
        return exact_shortlists(self._embeddings, queries, k)

    def _search_passing(
        self, queries: np.ndarray, k: int, passing: np.ndarray
    ) -> Candidates:
        return search_passing(self._embeddings, queries, k, passing)


def search_passing(
    embeddings: np.ndarray, queries: np.ndarray, k: int, passing: np.ndarray
) -> Candidates:
    """Returns the k best of the items that pass a filter, exactly.

    Args:
        embeddings: float32 [N, D].
        queries: float32 [Q, D].
        k: 1 or more; rows are padded if fewer items pass.
        passing: bool [N], at least one true.
    """
    rows = np.flatnonzero(passing)
    most = min(k, len(rows))
    lists: Iterable[Shortlists]
    if len(rows) > _COPIED_SHARE * len(passing):
        lists = exact_shortlists(embeddings, queries, most, passing)
    else:
        lists = (
            Shortlists(rows[some.positions], some.ends)
            for some in exact_shortlists(embeddings[rows], queries, most)
        )
    return rank_shortlists(embeddings, queries, lists, k)


def exact_shortlists(
    embeddings: np.ndarray, queries: np.ndarray, k: int, passing: np.ndarray | None = None
) -> Iterator[Shortlists]:
    """Yields a superset of the top k, for some queries at a time, in order.

    Args:
        embeddings: float32 [N, D].
        queries: float32 [Q, D].
        k: 1 to N, or to the number of items that pass.
        passing: bool [N], which items pass a filter; None for all.
    """
    rejected = None if passing is None else ~passing
    step = max(1, _SCORES_AT_ONCE // len(embeddings))
    starts = range(0, len(queries), step)
    for start in tracked(starts, "exact search", "batches"):
        scores = queries[start : start + step] @ embeddings.T
        if rejected is not None:
            scores[:, rejected] = -np.inf
        last_places = _lower_bounds(scores, k)[:, np.newaxis]
        near = scores >= last_places - _ROUNDING
        if rejected is not None:
            near[:, rejected] = False
        found = np.flatnonzero(near)
        rows, positions = np.divmod(found, len(embeddings))
        counts = np.bincount(rows, minlength=len(scores))
        yield Shortlists(positions, np.cumsum(counts))


def _lower_bounds(scores: np.ndarray, k: int) -> np.ndarray:
    """Lower bound of the k-th best score of each row of scores [Q, N], float32 [Q]."""
    queries, items = scores.shape
    size = min(_GROUP, max(1, items // (_GROUPS_FOR_ONE * k)))
    groups = items // size
    grouped = scores[:, : groups * size].reshape(queries, size, groups)
    return np.partition(grouped.max(axis=1), groups - k, axis=1)[:, groups - k]
