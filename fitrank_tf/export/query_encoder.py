"""The served query encoders: raw strings to unit embeddings, and to what they ask for."""

from collections.abc import Mapping

import tensorflow as tf

from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, ServedModule
from fitrank_tf.inputs.asked_facets import AskedFacets
from fitrank_tf.inputs.facet_lexicon import FacetLexicon
from fitrank_tf.inputs.tokenise import GraphTokeniser
from fitrank_tf.models.towers import Towers

EXAMPLE_QUERY = b"women navy blue kurta, three-quarter sleeves"


class QueryEncoder(ServedModule):
    """Tokeniser and text tower in one graph.

    Args:
        towers: trained; adapters may be on.
    """

    def __init__(self, towers: Towers):
        super().__init__(name="query_encoder")
        self._tokeniser = GraphTokeniser(towers.tokenizer, towers.context_length)
        self._variables = [variable.value for variable in towers.backbone.variables]
        self._encode_tokens = towers.encode_tokens

    def examples(self) -> Mapping[str, bytes]:
        """A text to warm up with."""
        return {"query": EXAMPLE_QUERY}

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """`serving_default`: `query` string [batch] -> `embedding` float32 [batch, D]."""
        spec = tf.TensorSpec([None], tf.string, name="query")

        @tf.function(input_signature=[spec])
        def encode(query: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"embedding": self._encode_tokens(_cut(self._tokeniser(query)))}

        return {DEFAULT_SIGNATURE: encode}


def _cut(ids: tf.Tensor) -> tf.Tensor:
    """Token ids up to the batch's last end mark.

    Attention looks back only, so what comes after a text's end mark changes nothing: most
    queries have a third of the tokens that there is room for.
    """
    # The end mark is the vocabulary's last token, as CLIP's own pooling takes it.
    end = tf.reduce_max(tf.concat([[0], tf.argmax(ids, axis=1, output_type=tf.int32)], 0))
    return ids[:, : end + 1]


class AskingQueryEncoder(QueryEncoder):
    """A query encoder that also tells which facet values a query names.

    Args:
        towers: trained; adapters may be on.
        lexicon: the values, V of them.
    """

    def __init__(self, towers: Towers, lexicon: FacetLexicon):
        super().__init__(towers)
        self._asked = AskedFacets(lexicon)

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """`serving_default`: `query` string [batch] -> `embedding` float32 [batch, D] and
        `asked` float32 [batch, V]."""
        embed = super().signatures()[DEFAULT_SIGNATURE]
        spec = tf.TensorSpec([None], tf.string, name="query")

        @tf.function(input_signature=[spec])
        def encode(query: tf.Tensor) -> dict[str, tf.Tensor]:
            return {**embed(query), "asked": self._asked(query)}

        return {DEFAULT_SIGNATURE: encode}
