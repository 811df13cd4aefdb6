"""The served facet heads: embeddings and features of products to what they are."""

from collections.abc import Mapping

import tensorflow as tf

from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, ServedModule
from fitrank_tf.rerank.facet_heads import FacetHeads


class FacetAnswers(ServedModule):
    """Facet heads in a graph; a product that joins the catalogue goes through it once.

    Args:
        heads: trained.
        embedding_dim: D.
        num_features: F.
    """

    def __init__(self, heads: FacetHeads, embedding_dim: int, num_features: int):
        super().__init__(name="facet_answers")
        self._variables = [variable.value for variable in heads.variables]
        self._answer = heads.answer
        self._dim, self._num_features = embedding_dim, num_features

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """`serving_default`: `embedding` float32 [batch, D], `features` float32 [batch, F]
        -> `answers` float32 [batch, V]."""

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, self._dim], tf.float32, name="embedding"),
                tf.TensorSpec([None, self._num_features], tf.float32, name="features"),
            ]
        )
        def answer(embedding: tf.Tensor, features: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"facet_probs": self._answer(embedding, features)}

        return {DEFAULT_SIGNATURE: answer}
