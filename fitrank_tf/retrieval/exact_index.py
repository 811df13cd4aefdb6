"""Exact candidate search: every item is scored."""

from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from fitrank_tf.retrieval.candidate_index import CandidateIndex

# Scores held at one time: 2**25 float32 are 128 MiB, whatever the catalogue's size.
_SCORES_AT_ONCE = 2**25

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

    def _shortlists(self, queries: np.ndarray, k: int) -> Iterator[np.ndarray]:
        step = max(1, _SCORES_AT_ONCE // self.num_items)
        starts = range(0, len(queries), step)
        for start in tqdm(starts, desc="exact search", disable=len(starts) <= 1):
            chunk = queries[start : start + step]
            for scores in chunk @ self._embeddings.T:
                last_place = np.partition(scores, -k)[-k]
                yield np.flatnonzero(scores >= last_place - _ROUNDING)
