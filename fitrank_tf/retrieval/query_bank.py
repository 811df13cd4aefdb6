"""First-stage scores less what a product scores with queries of any kind.

Some products ("hubs") are near to most queries. With a bank of queries that people have
asked, the score of query q and product i becomes

    q . i - (1 / beta) log mean_j exp(beta q_j . i)

the logarithm of the inverted softmax over the bank (Smith et al., "Offline bilingual word
vectors, orthogonal transformations and the inverted softmax", ICLR 2017; as query-bank
normalisation: Bogolin et al., CVPR 2022). What is taken off is one number a product, so it
rides as one more dimension of the embeddings, and any index of inner products serves.
"""

from collections.abc import Callable

import numpy as np

from fitrank_tf.core.chunks import map_in_chunks
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.retrieval.candidate_index import CandidateIndex, Candidates, check_matrix


def hubness(embeddings: np.ndarray, bank: np.ndarray, beta: float) -> np.ndarray:
    """What products score with a bank of queries: a soft maximum of it.

    Args:
        embeddings: float32 [N, D], unit rows.
        bank: float32 [M, D], unit rows.
        beta: 0 or more; towards 0 it is the mean, the larger the nearer to the greatest.

    Returns:
        float32 [N].

    Raises:
        FitRankError: if the bank is empty, or beta is not above 0.
    """
    check_matrix(embeddings, "embeddings")
    check_matrix(bank, "bank")
    if not len(bank):
        raise FitRankError("the query bank is empty; give one query at least")
    if not 0 < beta < np.inf:
        raise FitRankError(f"the query bank's beta is {beta}; write a number above 0")
    return map_in_chunks(lambda some: _soft_maximum(some @ bank.T, beta), embeddings)


def _soft_maximum(scores: np.ndarray, beta: float) -> np.ndarray:
    greatest = scores.max(axis=1, keepdims=True)
    means = np.exp(beta * (scores - greatest)).mean(axis=1)
    return greatest[:, 0] + np.log(means) / np.float32(beta)


class BankedIndex:
    """Searches as `CandidateIndex` does, by the scores of this module.

    Args:
        embeddings: float32 [N, D], unit rows.
        bank: float32 [M, D], unit rows.
        beta: see `hubness`.
        build: makes the index of the vectors with one more dimension.
    """

    def __init__(
        self,
        embeddings: np.ndarray,
        bank: np.ndarray,
        beta: float,
        build: Callable[[np.ndarray], CandidateIndex],
    ):
        less = -hubness(embeddings, bank, beta)[:, np.newaxis]
        self._index = build(np.concatenate([embeddings, less], axis=1))

    def search(self, queries: np.ndarray, k: int) -> Candidates:
        """The k best products of queries, float32 [Q, D]; see `CandidateIndex.search`."""
        one = np.ones((len(queries), 1), np.float32)
        return self._index.search(np.concatenate([queries, one], axis=1), k)
