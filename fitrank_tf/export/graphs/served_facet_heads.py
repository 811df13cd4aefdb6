"""The served facet heads: embeddings, features and titles to facet probabilities."""

from collections.abc import Mapping

import tensorflow as tf

from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    TITLED_SIGNATURE,
    ServedModule,
    served_function,
)
from fitrank_tf.rerank.facet_heads import FacetHeads
from fitrank_tf.rerank.title_facets import TitleFacets


class ServedFacetHeads(ServedModule):
    """Facet heads in a graph; a product that joins the catalogue goes through it once.

    Args:
        heads: trained.
        trust: how far titles are believed, by `title_trust`.
        embedding_dim: D.
        num_features: F.
    """

    def __init__(
        self,
        heads: FacetHeads,
        trust: Mapping[str, float],
        embedding_dim: int,
        num_features: int,
    ):
        super().__init__(name="facet_heads")
        self._variables = [variable.value for variable in heads.variables]
        self._predict = heads.predict_proba
        self._title_facets = TitleFacets(heads.lexicon, trust)
        self._dim, self._num_features = embedding_dim, num_features
        self._num_values = heads.lexicon.size

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """`serving_default`: `embedding` float32 [batch, D], `features` float32 [batch, F]
        -> `facet_probs` float32 [batch, V], of the photo alone.

        `titled`: also `query_facets` float32 [batch, V], what the query encoder reads in
        the products' titles -> `facet_probs` of photo and title.
        """
        photo = [
            tf.TensorSpec([None, self._dim], tf.float32, name="embedding"),
            tf.TensorSpec([None, self._num_features], tf.float32, name="features"),
        ]
        title = tf.TensorSpec([None, self._num_values], tf.float32, name="query_facets")

        @served_function(photo)
        def predict(embedding: tf.Tensor, features: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"facet_probs": self._predict(embedding, features)}

        @served_function([*photo, title])
        def predict_titled(
            embedding: tf.Tensor, features: tf.Tensor, query_facets: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            facet_probs = self._predict(embedding, features)
            return {"facet_probs": self._title_facets(facet_probs, query_facets)}

        return {DEFAULT_SIGNATURE: predict, TITLED_SIGNATURE: predict_titled}
