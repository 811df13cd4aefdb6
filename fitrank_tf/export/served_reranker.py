"""The served re-ranker: candidate lists to scores."""

from collections.abc import Mapping

import tensorflow as tf

from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, ServedModule
from fitrank_tf.models.reranker import Reranker


class ServedReranker(ServedModule):
    """`serving_default`: raw tensors of lists of any length to scores.

    Args:
        model: trained.
        embedding_dim: D.
        num_features: F.
        num_values: V, the facets' values.
    """

    def __init__(
        self, model: Reranker, embedding_dim: int, num_features: int, num_values: int
    ):
        super().__init__(name="reranker")
        self._variables = list(model.variables)
        self._score = model.call
        self._dim, self._num_features = embedding_dim, num_features
        self._num_values = num_values

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """`query` [B, D], `asked` [B, V], `images` [B, L, D], `features` [B, L, F],
        `answers` [B, L, V], `first_stage` [B, L], `mask` bool [B, L] -> `scores` float32
        [B, L]."""
        spec = tf.TensorSpec

        @tf.function(
            input_signature=[
                spec([None, self._dim], tf.float32, name="query"),
                spec([None, self._num_values], tf.float32, name="asked"),
                spec([None, None, self._dim], tf.float32, name="images"),
                spec([None, None, self._num_features], tf.float32, name="features"),
                spec([None, None, self._num_values], tf.float32, name="answers"),
                spec([None, None], tf.float32, name="first_stage"),
                spec([None, None], tf.bool, name="mask"),
            ]
        )
        def score(query, asked, images, features, answers, first_stage, mask):
            inputs = {
                "query": query,
                "asked": asked,
                "images": images,
                "features": features,
                "answers": answers,
                "first_stage": first_stage,
                "mask": mask,
            }
            return {"scores": self._score(inputs, training=False)}

        return {DEFAULT_SIGNATURE: score}
