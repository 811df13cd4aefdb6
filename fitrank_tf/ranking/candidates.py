"""Candidate lists: what the first stage hands to the re-ranker."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.ranking.judgments import Judge
from fitrank_tf.ranking.queries import Query
from fitrank_tf.retrieval.candidate_index import CandidateIndex, Candidates


@dataclasses.dataclass(frozen=True)
class CandidateLists:
    """Candidates of Q queries, best of the first stage first.

    Attributes:
        query_embeddings: float32 [Q, D].
        candidates: positions int32 [Q, K] in the catalogue, -1 for padding, and
            first-stage scores float32 [Q, K].
        labels: float32 [Q, K], grades 0 to 4, -1 for padding; None without
            judgments.
    """

    query_embeddings: np.ndarray
    candidates: Candidates
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.query_embeddings)


def retrieve(
    index: CandidateIndex, query_embeddings: np.ndarray, size: int
) -> CandidateLists:
    """The first stage's top `size` for each query, nothing added."""
    return CandidateLists(query_embeddings, index.search(query_embeddings, size))


def list_arrays(lists: CandidateLists, asked: np.ndarray) -> ListArrays:
    """The lists as the re-ranker's batches are made of them.

    Args:
        lists: with labels or, to be scored only, without.
        asked: float32 [Q, V], facet values that the queries name.
    """
    positions, scores = lists.candidates.positions, lists.candidates.scores
    labels = lists.labels
    if labels is None:
        labels = np.zeros(positions.shape, np.float32)
    return ListArrays(lists.query_embeddings, asked, positions, scores, labels)


def with_labels(
    lists: CandidateLists, queries: Sequence[Query], judge: Judge
) -> CandidateLists:
    """The same lists with the candidates' grades."""
    labels = np.stack(
        [
            np.where(row < 0, -1, judge.grades(query)[row])
            for query, row in zip(queries, lists.candidates.positions, strict=True)
        ]
    )
    return dataclasses.replace(lists, labels=labels.astype(np.float32))


def worth_learning(labels: np.ndarray) -> np.ndarray:
    """Which lists have at least two different grades; the others teach no order.

    Args:
        labels: float32 [Q, K], -1 for padding.

    Returns:
        Rising row numbers.
    """
    real = labels >= 0
    best = np.where(real, labels, -np.inf).max(axis=1, initial=-np.inf)
    worst = np.where(real, labels, np.inf).min(axis=1, initial=np.inf)
    return np.flatnonzero(best > worst)
