"""The first stage of a served search: the products nearest to a query, best first.

Both stages take the same inputs and give the same outputs: rows int32 [batch, k] of the
catalogue, their inner products float32 [batch, k], and which of them are real, bool
[batch, k]; padding is at the end.
"""

import abc
from collections.abc import Mapping

import tensorflow as tf

from fitrank_tf.export.graphs.served_catalogue import ServedCatalogue
from fitrank_tf.retrieval.scann_graph import ScannGraph

_LEAST = tf.float32.min
# ScaNN cannot filter: so many times the candidates are fetched, and the rest dropped.
_OVERFETCH = 10

Stage = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


class CandidateStage(tf.Module, abc.ABC):
    """Finds the nearest products that pass the filters.

    Args:
        catalogue: what is searched.
        list_size: k, or the whole of a smaller catalogue.
    """

    def __init__(self, catalogue: ServedCatalogue, list_size: int):
        super().__init__(name="candidate_stage")
        self._catalogue = catalogue
        self.size = min(list_size, catalogue.size)

    @abc.abstractmethod
    def __call__(self, embedding: tf.Tensor, filters: Mapping[str, tf.Tensor]) -> Stage:
        """See the module.

        Args:
            embedding: float32 [batch, D], unit rows.
            filters: some of the catalogue's -> string [batch]; or none.
        """


class ExactStage(CandidateStage):
    """Scores every product; all ops are in the stock TF-Serving binary."""

    def __call__(self, embedding: tf.Tensor, filters: Mapping[str, tf.Tensor]) -> Stage:
        scores = tf.matmul(embedding, self._catalogue.embeddings, transpose_b=True)
        if filters:
            scores = tf.where(self._catalogue.filter(filters), scores, _LEAST)
        best, rows = tf.math.top_k(scores, k=self.size)
        found = best > _LEAST
        return rows, tf.where(found, best, 0.0), found


class ScannStage(CandidateStage):
    """ScaNN in the graph, for servers that have its ops.

    A filter is applied to `_OVERFETCH` times the candidates, so a rare one may leave fewer
    than there are.
    """

    def __init__(self, catalogue: ServedCatalogue, list_size: int):
        super().__init__(catalogue, list_size)
        self._fetched = min(_OVERFETCH * list_size, catalogue.size)
        self._index = ScannGraph(catalogue.embeddings.numpy())

    def __call__(self, embedding: tf.Tensor, filters: Mapping[str, tf.Tensor]) -> Stage:
        fetched = self._fetched if filters else self.size
        rows, found = self._index(embedding, fetched)
        # Scored again: the re-ranker has learned from exact inner products.
        near = tf.gather(self._catalogue.embeddings, rows)
        scores = tf.einsum("bd,bkd->bk", embedding, near)
        if filters:
            admitted = self._catalogue.filter(filters)
            found &= tf.gather(admitted, rows, batch_dims=1)
        best, order = tf.math.top_k(tf.where(found, scores, _LEAST), k=self.size)
        found = best > _LEAST
        rows = tf.gather(rows, order, batch_dims=1)
        return rows, tf.where(found, best, 0.0), found
