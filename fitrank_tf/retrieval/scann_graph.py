"""ScaNN inside a TensorFlow graph, for SavedModels of servers that have its ops."""

import numpy as np
import tensorflow as tf

from fitrank_tf.retrieval.choose_index import SCANN_FROM_ITEMS
from fitrank_tf.retrieval.scann_index import build_searcher, load_scann, settings_for

# Required to save SavedModels with ops of a library other than TensorFlow.
SCANN_SAVE_OPTIONS = tf.saved_model.SaveOptions(namespace_whitelist=["Scann"])


class ScannGraph(tf.Module):
    """A ScaNN index as part of a TensorFlow graph.

    Small catalogues are scored exhaustively, as ScaNN's documentation advises.

    Args:
        embeddings: float32 [N, D], one L2-normalised row an item.

    Attributes:
        settings: of the index, where it is no exhaustive one.
    """

    def __init__(self, embeddings: np.ndarray):
        super().__init__(name="scann_graph")
        self._ops = load_scann("scann_ops")
        self.settings = settings_for(len(embeddings))
        if len(embeddings) < SCANN_FROM_ITEMS:
            builder = self._ops.builder(embeddings, 100, "dot_product")
            searcher = builder.score_brute_force().build()
        else:
            searcher = build_searcher(self._ops, embeddings, self.settings)
        self._index = searcher.serialize_to_module()

    def __call__(
        self, queries: tf.Tensor, count: int | tf.Tensor, effort: float | tf.Tensor = 1.0
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the nearest items that the index finds.

        Args:
            queries: float32 [batch, D].
            count: number of items, at most N.
            effort: so many times the usual leaves are searched; 1 or above.

        Returns:
            Rows int32 [batch, count], and bool [batch, count], false for padding.
        """
        # Built inside the graph, else saving fails on an untracked resource.
        searcher = self._ops.searcher_from_module(self._index)
        rows, distances = searcher.search_batched(
            queries,
            final_num_neighbors=count,
            pre_reorder_num_neighbors=tf.maximum(count, self.settings.reorder),
            leaves_to_search=self._leaves(effort),
        )
        # Short rows end in item 0 with NaN, and all rows may be short.
        missing = [[0, 0], [0, count - tf.shape(rows)[1]]]
        found = tf.pad(~tf.math.is_nan(distances), missing)
        shape = [None, count if isinstance(count, int) else None]
        return tf.ensure_shape(tf.pad(rows, missing), shape), tf.ensure_shape(found, shape)

    def _leaves(self, effort: float | tf.Tensor) -> tf.Tensor:
        leaves = tf.math.ceil(self.settings.leaves_to_search * effort)
        return tf.minimum(tf.cast(leaves, tf.int32), self.settings.num_leaves)
