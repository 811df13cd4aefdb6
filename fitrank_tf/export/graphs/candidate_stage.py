"""The first stage of a served search: the products nearest to a query, best first.

Both stages take the same inputs and give the same outputs: rows int32 [batch, k] of the
catalogue, their inner products float32 [batch, k], and which of them are real, bool
[batch, k]; padding is at the end.
"""

import abc

import tensorflow as tf

from fitrank_tf.export.graphs.served_catalogue import ServedCatalogue, rows_of
from fitrank_tf.retrieval.scann_graph import ScannGraph
from fitrank_tf.retrieval.scann_index import EXACT_FACTOR, OVERFETCH

_LEAST = tf.float32.min

Stage = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


class CandidateStage(tf.Module, abc.ABC):
    """Finds the nearest of the products that are admitted.

    Args:
        catalogue: what is searched.
        list_size: k, or the whole of a smaller catalogue.
    """

    def __init__(self, catalogue: ServedCatalogue, list_size: int):
        super().__init__(name="candidate_stage")
        self._catalogue = catalogue
        self.size = min(list_size, catalogue.size)

    @abc.abstractmethod
    def __call__(self, embedding: tf.Tensor, admitted: tf.Tensor | None) -> Stage:
        """See the module.

        Args:
            embedding: float32 [batch, D], unit rows.
            admitted: bool [batch, N], which products may be found; None for all.
        """


class ExactStage(CandidateStage):
    """Scores every product; all ops are in the stock TF-Serving binary."""

    def __call__(self, embedding: tf.Tensor, admitted: tf.Tensor | None) -> Stage:
        scores = tf.matmul(embedding, self._catalogue.embeddings, transpose_b=True)
        if admitted is not None:
            scores = tf.where(admitted, scores, _LEAST)
        return _best(scores, self.size)


class ScannStage(CandidateStage):
    """ScaNN in the graph, for servers that have its ops.

    ScaNN cannot filter, so `OVERFETCH` times what should hold the candidates is fetched and
    checked. A query of which few products pass, or that has too few candidates left, is
    answered by exact search of the products that pass.
    """

    def __init__(self, catalogue: ServedCatalogue, list_size: int):
        super().__init__(catalogue, list_size)
        self._index = ScannGraph(catalogue.embeddings.numpy())

    def __call__(self, embedding: tf.Tensor, admitted: tf.Tensor | None) -> Stage:
        if admitted is None:
            return self._nearest(embedding, self.size, 1.0, None)
        count = tf.math.count_nonzero(admitted, axis=1, dtype=tf.int32)
        wanted = tf.minimum(count, self.size)
        share = tf.cast(tf.maximum(count, 1), tf.float32) / self._catalogue.size
        fetched = tf.math.ceil(OVERFETCH * tf.cast(wanted, tf.float32) / share)
        # ScaNN scores no fewer items exactly than it re-orders.
        scored = EXACT_FACTOR * tf.maximum(fetched, self._index.settings.reorder)
        is_few = tf.cast(count, tf.float32) <= scored
        most = tf.cast(tf.reduce_max(tf.where(is_few, 0.0, fetched)), tf.int32)
        effort = tf.math.rsqrt(tf.reduce_min(tf.where(is_few, 1.0, share)))
        nearest = tf.cond(
            tf.reduce_all(is_few),
            lambda: self._nothing(tf.size(count)),
            lambda: self._nearest(
                embedding, tf.minimum(most, self._catalogue.size), effort, admitted
            ),
        )
        found = tf.math.count_nonzero(nearest[2], axis=1, dtype=tf.int32)
        lacking = tf.where(is_few | (found < wanted))
        exact = self._exact(
            tf.gather_nd(embedding, lacking), tf.gather_nd(admitted, lacking)
        )
        rows, best, found = (
            tf.tensor_scatter_nd_update(some, lacking, all_of)
            for some, all_of in zip(nearest, exact)
        )
        return rows, best, found

    def _nearest(
        self,
        embedding: tf.Tensor,
        fetched: int | tf.Tensor,
        effort: float | tf.Tensor,
        admitted: tf.Tensor | None,
    ) -> Stage:
        """What ScaNN finds among so many, without those that are not admitted."""
        rows, found = self._index(embedding, fetched, effort)
        # Scored again: the re-ranker has learned from exact inner products.
        near = rows_of(self._catalogue.embeddings, rows)
        scores = tf.einsum("bd,bkd->bk", embedding, near)
        if admitted is not None:
            found &= tf.gather(admitted, rows, batch_dims=1)
        places, best, found = _best(tf.where(found, scores, _LEAST), self.size)
        return tf.gather(rows, places, batch_dims=1), best, found

    def _exact(self, embedding: tf.Tensor, admitted: tf.Tensor) -> Stage:
        """The best that are admitted, of the products that some query admits."""
        rows = tf.where(tf.reduce_any(admitted, axis=0))[:, 0]
        near = rows_of(self._catalogue.embeddings, rows)
        scores = tf.matmul(embedding, near, transpose_b=True)
        scores = tf.where(tf.gather(admitted, rows, axis=1), scores, _LEAST)
        missing = [[0, 0], [0, tf.maximum(self.size - tf.size(rows), 0)]]
        padded = tf.pad(scores, missing, constant_values=_LEAST)
        places, best, found = _best(padded, self.size)
        rows = tf.pad(tf.cast(rows, tf.int32), missing[1:])
        return tf.gather(rows, places), best, found

    def _nothing(self, batch: tf.Tensor) -> Stage:
        shape = [batch, self.size]
        return tf.zeros(shape, tf.int32), tf.zeros(shape), tf.zeros(shape, tf.bool)


def _best(scores: tf.Tensor, size: int) -> Stage:
    """The best of scores float32 [batch, n], their places first; `_LEAST` is padding."""
    best, places = tf.math.top_k(scores, k=size)
    found = best > _LEAST
    return places, tf.where(found, best, 0.0), found


TOP_K = "top_k"


def top_k_spec() -> tf.TensorSpec:
    """Of the input that says how many products each query wants: int32 [batch]."""
    return tf.TensorSpec([None], tf.int32, name=TOP_K)


def best_wanted(
    scores: tf.Tensor, size: int, top_k: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Ranks candidates, no more than are wanted.

    Args:
        scores: float32 [batch, L].
        size: k, the most products of a list.
        top_k: int32 [batch], how many each query wants; None for k.

    Returns:
        Scores float32 [batch, w], best first, the dtype's least where a query wants fewer
        than w; their places int32 [batch, w]; which are wanted, bool [batch, w]. w is the
        most that a query of the batch wants, at most k.
    """
    if top_k is None:
        scores, order = tf.math.top_k(scores, k=size)
        return scores, order, tf.ones_like(order, tf.bool)
    width = tf.clip_by_value(tf.reduce_max(top_k), 0, size)
    scores, order = tf.math.top_k(scores, k=width)
    wanted = tf.range(width) < top_k[:, tf.newaxis]
    return tf.where(wanted, scores, _LEAST), order, wanted
