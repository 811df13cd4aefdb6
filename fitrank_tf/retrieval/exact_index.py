"""Exact candidate search: every item is scored."""

from collections.abc import Iterator

import numpy as np

from fitrank_tf.core.progress import tracked
from fitrank_tf.retrieval.candidate_index import CandidateIndex, Shortlists

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


def exact_shortlists(
    embeddings: np.ndarray, queries: np.ndarray, k: int
) -> Iterator[Shortlists]:
    """Yields a superset of the top k, for some queries at a time, in order.

    Args:
        embeddings: float32 [N, D].
        queries: float32 [Q, D].
        k: 1 to N.
    """
    step = max(1, _SCORES_AT_ONCE // len(embeddings))
    starts = range(0, len(queries), step)
    for start in tracked(starts, "exact search", "batches"):
        scores = queries[start : start + step] @ embeddings.T
        last_places = _lower_bounds(scores, k)[:, np.newaxis]
        found = np.flatnonzero(scores >= last_places - _ROUNDING)
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
