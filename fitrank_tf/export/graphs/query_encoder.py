"""The served query encoders: raw strings to unit embeddings and the facets they name."""

from collections.abc import Mapping

import tensorflow as tf

from fitrank_tf.export.graphs.packed_text_tower import PackedTextTower
from fitrank_tf.export.graphs.query_facets import QueryFacets
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, ServedModule
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.towers.tokenise import GraphTokeniser
from fitrank_tf.towers.towers import Towers

EXAMPLE_QUERY = b"women navy blue kurta, three-quarter sleeves"


class QueryEncoder(ServedModule):
    """Tokeniser and text tower in one graph.

    Args:
        towers: trained; adapters may be on.
    """

    def __init__(self, towers: Towers):
        super().__init__(name="query_encoder")
        self._tokeniser = GraphTokeniser(towers.tokenizer, towers.context_length)
        self._text_tower = PackedTextTower(towers)

    def examples(self) -> Mapping[str, bytes]:
        """A text to warm up with."""
        return {"query": EXAMPLE_QUERY}

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """`serving_default`: `query` string [batch] -> `embedding` float32 [batch, D]."""
        spec = tf.TensorSpec([None], tf.string, name="query")

        @tf.function(input_signature=[spec])
        def encode(query: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"embedding": self._text_tower(self._tokeniser(query))}

        return {DEFAULT_SIGNATURE: encode}


class FacetQueryEncoder(QueryEncoder):
    """A query encoder that also finds the facet values that a query names.

    Args:
        towers: trained; adapters may be on.
        lexicon: the values, V of them.
    """

    def __init__(self, towers: Towers, lexicon: FacetLexicon):
        super().__init__(towers)
        self._query_facets = QueryFacets(lexicon)

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """`serving_default`: `query` string [batch] -> `embedding` float32 [batch, D] and
        `query_facets` float32 [batch, V]."""
        embed = super().signatures()[DEFAULT_SIGNATURE]
        spec = tf.TensorSpec([None], tf.string, name="query")

        @tf.function(input_signature=[spec])
        def encode(query: tf.Tensor) -> dict[str, tf.Tensor]:
            return {**embed(query), "query_facets": self._query_facets(query)}

        return {DEFAULT_SIGNATURE: encode}
