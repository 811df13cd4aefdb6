"""Query-bank normalisation: first-stage scores minus the hubness of each product.

Some products ("hubs") are near to most queries. With a bank of past queries, the score of
query q and product i becomes

    q . i - (1 / beta) log mean_j exp(beta q_j . i)

the logarithm of the inverted softmax over the bank (Smith et al., "Offline bilingual word
vectors, orthogonal transformations and the inverted softmax", ICLR 2017; as query-bank
normalisation: Bogolin et al., CVPR 2022). The term subtracted is one number per product, so
it becomes an additional dimension of the embeddings, and any index of inner products works.
"""

from collections.abc import Callable

import numpy as np

from fitrank_tf.core.chunks import map_in_chunks
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.retrieval.candidate_index import CandidateIndex, Candidates, check_matrix


def hubness(embeddings: np.ndarray, bank: np.ndarray, beta: float) -> np.ndarray:
    """Returns the hubness of products: a soft maximum of their scores with the bank.

    Args:
        embeddings: float32 [N, D], unit rows.
        bank: float32 [M, D], unit rows, of the bank's queries.
        beta: above 0; small values approach the mean of the scores, large ones their
            maximum.

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
    """Searches by scores with query-bank normalisation.

    Args:
        embeddings: float32 [N, D], unit rows.
        bank: float32 [M, D], unit rows, of the bank's queries.
        beta: see `hubness`.
        build: builds the index of the vectors with one more dimension.
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

    def search(
        self, queries: np.ndarray, k: int, passing: np.ndarray | None = None
    ) -> Candidates:
        """Returns the k best products of each query; see `CandidateIndex.search`."""
        one = np.ones((len(queries), 1), np.float32)
        return self._index.search(np.concatenate([queries, one], axis=1), k, passing)
