"""Candidate lists with the grades of judged queries."""

from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.config import JudgmentsConfig
from fitrank_tf.queries.grades import grade_of_gain
from fitrank_tf.queries.judged import JudgedQuery, scaled_gains
from fitrank_tf.rerank.candidates import CandidateLists
from fitrank_tf.retrieval.candidate_index import Candidates

UNKNOWN = -1.0
# {`JudgmentsConfig.ungraded`: label of a candidate without a grade}.
_LABELS = {"unknown": UNKNOWN, "irrelevant": 0.0}


def with_graded_products(
    lists: CandidateLists,
    queries: Sequence[JudgedQuery],
    rows: Mapping[str, int],
    embeddings: np.ndarray,
) -> CandidateLists:
    """Adds the graded products that were not retrieved, those of the best grades first.

    They replace the last candidates without a grade, so that lists stay as long.

    Args:
        lists: as retrieved.
        queries: of the lists, all their products in `rows`.
        rows: {product id: row of the catalogue}.
        embeddings: float32 [N, D], unit, of the catalogue.
    """
    positions = lists.candidates.positions.copy()
    scores = lists.candidates.scores.copy()
    for row, query in enumerate(queries):
        graded = np.array([rows[item] for item in query.products], positions.dtype)
        best_first = graded[np.argsort(-query.grades, kind="stable")]
        missing = best_first[~np.isin(best_first, positions[row])]
        free = np.flatnonzero(~np.isin(positions[row], graded) & (positions[row] >= 0))
        places = free[::-1][: len(missing)]
        positions[row, places] = missing[: len(places)]
        scores[row, places] = (
            embeddings[positions[row, places]] @ lists.query_embeddings[row]
        )
    return CandidateLists(lists.query_embeddings, Candidates(positions, scores))


def labels_and_weights(
    positions: np.ndarray,
    queries: Sequence[JudgedQuery],
    rows: Mapping[str, int],
    config: JudgmentsConfig,
) -> tuple[np.ndarray, np.ndarray]:
    """The labels of candidates, and the labels' weights.

    Args:
        positions: int32 [Q, L], rows of the candidates, -1 for padding.
        queries: Q, all their products in `rows`.
        rows: {product id: row of the catalogue}.
        config: the gains of grades, and what candidates without a grade are.

    Returns:
        Labels float32 [Q, L]: grades of the self-made lists' scale, 0 to 4, whose gains
        are to each other as the judgments' are; -1 for padding and what is unknown. And
        weights float32 [Q, L], of mean 1 over the candidates that have a gain.
    """
    gain_of = scaled_gains(config.gains, queries)
    labels = np.where(positions < 0, UNKNOWN, _LABELS[config.ungraded]).astype(np.float32)
    weights = np.ones_like(labels)
    for row, query in enumerate(queries):
        grades = grade_of_gain(np.interp(query.grades, np.arange(len(gain_of)), gain_of))
        graded = {rows[item]: place for place, item in enumerate(query.products)}
        places = [graded.get(position, -1) for position in positions[row].tolist()]
        found = np.array(places) >= 0
        chosen = np.array(places)[found]
        labels[row, found] = grades[chosen]
        weights[row, found] = query.weights[chosen]
        weights[row] *= query.weight
    return labels, weights / (weights[labels > 0].mean() if (labels > 0).any() else 1.0)
