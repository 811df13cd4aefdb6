"""Interface of candidate search, exact or approximate."""

import abc
import dataclasses
from collections.abc import Iterable

import numpy as np
from numba import njit

from fitrank_tf.core.errors import FitRankError

# Padding of rows with fewer than k items.
PADDING_POSITION = -1
PADDING_SCORE = -np.inf


@dataclasses.dataclass(frozen=True)
class Candidates:
    """The best items of each query, by falling score; ties by lower position.

    Attributes:
        positions: int32 [Q, k], rows of the indexed embeddings, -1 for padding.
        scores: float32 [Q, k], inner products, -inf for padding. Padding is
            always at the end of a row.
    """

    positions: np.ndarray
    scores: np.ndarray


@dataclasses.dataclass(frozen=True)
class Shortlists:
    """Unranked candidates of several queries.

    Attributes:
        positions: int [n], those of the first query, then of the next and so on; in any
            order, without duplicates within a query.
        ends: int [Q], end of each query's candidates in `positions`.
    """

    positions: np.ndarray
    ends: np.ndarray

    @classmethod
    def where(cls, found: np.ndarray, positions: np.ndarray) -> "Shortlists":
        """Builds shortlists from a padded matrix.

        Args:
            found: bool [Q, m], false for padding.
            positions: int [Q, m].
        """
        return cls(positions[found], np.cumsum(np.count_nonzero(found, axis=1)))


class CandidateIndex(abc.ABC):
    """Finds the items of a catalogue whose embeddings are nearest to a query's.

    Both sides are L2-normalised, so the score, the inner product, is the cosine.
    A subclass selects the items to score; this class computes scores and order, so two
    indexes that find the same items return the same numbers, whatever the batch size.
    """

    def __init__(self, embeddings: np.ndarray) -> None:
        """Keeps (does not copy) the catalogue.

        Args:
            embeddings: float32 [N, D], one L2-normalised row an item.

        Raises:
            FitRankError: if the catalogue is empty.
            ValueError: if the array is not float32 [N, D] or has NaN or infinity.
        """
        check_matrix(embeddings, "embeddings")
        if not embeddings.shape[0]:
            raise FitRankError(
                "the catalogue is empty, there is nothing to search; give a dataset "
                "that has at least one item"
            )
        self._embeddings = np.ascontiguousarray(embeddings)

    @property
    @abc.abstractmethod
    def is_exact(self) -> bool:
        """Whether the result is guaranteed to be the true top k."""

    @abc.abstractmethod
    def describe(self) -> str:
        """Returns the index and its settings in one line, for logs and reports."""

    @property
    def num_items(self) -> int:
        """Number of items in the catalogue."""
        return self._embeddings.shape[0]

    def search(
        self, queries: np.ndarray, k: int, passing: np.ndarray | None = None
    ) -> Candidates:
        """Returns the k best items of each query, of those that pass a filter.

        Args:
            queries: float32 [Q, D], L2-normalised rows.
            k: number of items per query. Rows are padded if fewer pass or, without a
                filter, if an approximate index finds fewer.
            passing: bool [N], which items pass; None for all.

        Raises:
            ValueError: if `queries` is not float32 [Q, D], holds NaN or infinity,
                k is below 1, or `passing` is not bool [N].
        """
        check_search(queries, k, self._embeddings.shape[1])
        if passing is None:
            lists = self._shortlists(queries, min(k, self.num_items))
            return rank_shortlists(self._embeddings, queries, lists, k)
        if passing.dtype != bool or passing.shape != (self.num_items,):
            raise ValueError(
                f"passing must be bool [{self.num_items}], got {passing.dtype} "
                f"{list(passing.shape)}"
            )
        if not passing.any():
            return rank_shortlists(self._embeddings, queries, (), k)
        return self._search_passing(queries, k, passing)

    @abc.abstractmethod
    def _shortlists(self, queries: np.ndarray, k: int) -> Iterable[Shortlists]:
        """Yields a superset of the top k, for some queries at a time, in order.

        Args:
            queries: float32 [Q, D].
            k: 1 to `num_items`.
        """

    @abc.abstractmethod
    def _search_passing(
        self, queries: np.ndarray, k: int, passing: np.ndarray
    ) -> Candidates:
        """Returns the k best of the items that pass, at least one; see `search`."""


def rank_shortlists(
    embeddings: np.ndarray, queries: np.ndarray, shortlists: Iterable[Shortlists], k: int
) -> Candidates:
    """Scores shortlists and keeps the best of each, ties by lower position.

    A matrix product rounds equal rows differently at different positions, so equal items
    (one photo listed twice) would be ordered at random. Here each row is summed in the
    same order, in float64.

    Args:
        embeddings: float32 [N, D], C-contiguous.
        queries: float32 [Q, D].
        shortlists: of some of the queries at a time, in order.
        k: number of items to keep.
    """
    positions = np.full((len(queries), k), PADDING_POSITION, np.int32)
    scores = np.full((len(queries), k), PADDING_SCORE, np.float32)
    done = 0
    for lists in shortlists:
        rows = slice(done, done + len(lists.ends))
        found = lists.positions, lists.ends
        _rank(embeddings, queries[rows], *found, positions[rows], scores[rows])
        done = rows.stop
    return Candidates(positions, scores)


# Sums may be reordered so that they fill SIMD registers; the order is the compiled
# loop's, one and the same for every row.
@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _rank(
    embeddings: np.ndarray,
    queries: np.ndarray,
    shortlist: np.ndarray,
    ends: np.ndarray,
    positions: np.ndarray,
    scores: np.ndarray,
) -> None:
    begin = 0
    for query in range(len(queries)):
        best, best_scores = positions[query], scores[query]
        count = 0
        for place in range(begin, ends[query]):
            item = shortlist[place]
            total = 0.0
            for number in range(queries.shape[1]):
                total += np.float64(embeddings[item, number]) * queries[query, number]
            score = np.float32(total)
            count = _insert(best, best_scores, count, item, score)
        begin = ends[query]


@njit(cache=True, nogil=True)
def _insert(
    best: np.ndarray, best_scores: np.ndarray, count: int, item: int, score: np.float32
) -> int:
    """Inserts an item into a row whose first `count` items are sorted."""
    place = count
    while place > 0 and (
        best_scores[place - 1] < score
        or (best_scores[place - 1] == score and best[place - 1] > item)
    ):
        place -= 1
    if place == len(best):
        return count
    count = min(count + 1, len(best))
    for later in range(count - 1, place, -1):
        best[later], best_scores[later] = best[later - 1], best_scores[later - 1]
    best[place], best_scores[place] = item, score
    return count


def check_search(queries: np.ndarray, k: int, dim: int) -> None:
    """Raises ValueError unless `queries` is float32 [Q, dim] and k is at least 1."""
    check_matrix(queries, "queries")
    if queries.shape[1] != dim:
        raise ValueError(
            f"queries have {queries.shape[1]} dimensions, the indexed embeddings {dim}"
        )
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")


def check_matrix(matrix: np.ndarray, name: str) -> None:
    """Raises ValueError unless `matrix` is a finite float32 [rows, D > 0]."""
    if matrix.ndim != 2 or not matrix.shape[1]:
        raise ValueError(f"{name} must have the shape [rows, D], got {matrix.shape}")
    if matrix.dtype != np.float32:
        raise ValueError(f"{name} must be float32, got {matrix.dtype}")
    # A row's sum is finite only if each value is; it needs no [rows, D] of flags.
    bad = np.flatnonzero(~np.isfinite(matrix.sum(axis=1)))
    if bad.size:
        raise ValueError(f"row {bad[0]} of {name} holds NaN or infinity ({bad.size} such)")
