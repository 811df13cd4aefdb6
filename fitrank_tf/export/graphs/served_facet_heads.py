"""The served facet heads: embeddings and features of products to facet probabilities."""

from collections.abc import Mapping

import tensorflow as tf

from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, ServedModule
from fitrank_tf.rerank.facet_heads import FacetHeads


class ServedFacetHeads(ServedModule):
    """Facet heads in a graph; a product that joins the catalogue goes through it once.

    Args:
        heads: trained.
        embedding_dim: D.
        num_features: F.
    """

    def __init__(self, heads: FacetHeads, embedding_dim: int, num_features: int):
        super().__init__(name="facet_heads")
        self._variables = [variable.value for variable in heads.variables]
        self._predict = heads.predict_proba
        self._dim, self._num_features = embedding_dim, num_features

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """`serving_default`: `embedding` float32 [batch, D], `features` float32 [batch, F]
        -> `facet_probs` float32 [batch, V]."""

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, self._dim], tf.float32, name="embedding"),
                tf.TensorSpec([None, self._num_features], tf.float32, name="features"),
            ]
        )
        def predict(embedding: tf.Tensor, features: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"facet_probs": self._predict(embedding, features)}

        return {DEFAULT_SIGNATURE: predict}
