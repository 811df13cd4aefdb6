"""Candidate lists: the first stage's output and the re-ranker's input."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from fitrank_tf.core.progress import tracked
from fitrank_tf.inputs.listwise import ListArrays
from fitrank_tf.queries.grades import EXACT
from fitrank_tf.queries.judgments import Judge
from fitrank_tf.queries.query_sets import Query
from fitrank_tf.retrieval.candidate_index import Candidates


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


class Index(Protocol):
    """Interface of candidate search."""

    def search(self, queries: np.ndarray, k: int) -> Candidates:
        """The k best products of each query, float32 [Q, D]."""


def retrieve(index: Index, query_embeddings: np.ndarray, size: int) -> CandidateLists:
    """Returns the first stage's top `size` for each query."""
    return CandidateLists(query_embeddings, index.search(query_embeddings, size))


def list_arrays(lists: CandidateLists, query_facets: np.ndarray) -> ListArrays:
    """Returns the arrays from which the re-ranker's batches are built.

    Args:
        lists: with labels or, to be scored only, without.
        query_facets: float32 [Q, V], 1 for the facet values that the queries name.
    """
    positions, scores = lists.candidates.positions, lists.candidates.scores
    labels = lists.labels
    if labels is None:
        labels = np.zeros(positions.shape, np.float32)
    weights = np.ones_like(scores)
    return ListArrays(
        lists.query_embeddings, query_facets, positions, scores, labels, weights
    )


def with_labels(
    lists: CandidateLists, queries: Sequence[Query], judge: Judge
) -> CandidateLists:
    """Returns the same lists with the candidates' grades."""
    asked = tracked(queries, "grading candidates", "queries")
    labels = np.stack(
        [
            np.where(row < 0, -1, judge.grades(query)[row])
            for query, row in zip(asked, lists.candidates.positions, strict=True)
        ]
    )
    return dataclasses.replace(lists, labels=labels.astype(np.float32))


def with_positives(
    lists: CandidateLists, queries: Sequence[Query], judge: Judge, embeddings: np.ndarray
) -> CandidateLists:
    """Adds an exact match to training lists that have none.

    It replaces the last candidate, and is the exact match that the first stage scores
    highest. Lists for evaluation are never changed: a product not retrieved is missed.

    Args:
        lists: with labels.
        queries: of the lists.
        judge: of the catalogue.
        embeddings: float32 [N, D], unit, of its products.
    """
    if lists.labels is None:
        raise ValueError("lists need labels before a positive can be put into them")
    positions = lists.candidates.positions.copy()
    scores, labels = lists.candidates.scores.copy(), lists.labels.copy()
    lacking = np.flatnonzero((labels < EXACT).all(axis=1)).tolist()
    for row in tracked(lacking, "completing candidates", "queries"):
        exact = np.flatnonzero(judge.grades(queries[row]) == EXACT)
        if len(exact):
            cosines = embeddings[exact] @ lists.query_embeddings[row]
            last = np.count_nonzero(positions[row] >= 0) - 1
            positions[row, last] = exact[cosines.argmax()]
            scores[row, last], labels[row, last] = cosines.max(), EXACT
    candidates = Candidates(positions, scores)
    return CandidateLists(lists.query_embeddings, candidates, labels)


def informative_lists(labels: np.ndarray) -> np.ndarray:
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
