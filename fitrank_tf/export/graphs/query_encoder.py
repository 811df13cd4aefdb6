"""The served query encoders: raw strings to unit embeddings and the values they name."""

from collections.abc import Mapping

import tensorflow as tf

from fitrank_tf.export.graphs.request_reader import RequestReader
from fitrank_tf.export.graphs.text_tower import served_text_tower
from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    READING_SIGNATURE,
    UNDERSTOOD_SIGNATURE,
    ServedModule,
    served_function,
)
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.towers.tokenise import graph_tokeniser
from fitrank_tf.towers.towers import Towers

EXAMPLE_QUERY = b"women navy blue kurta, three-quarter sleeves"


class QueryEncoder(ServedModule):
    """Tokeniser and text tower in one graph.

    Args:
        towers: trained; adapters may be on.
    """

    def __init__(self, towers: Towers):
        super().__init__(name="query_encoder")
        self._tokeniser = graph_tokeniser(towers.tokenizer, towers.context_length)
        self._text_tower = served_text_tower(towers)

    def examples(self) -> Mapping[str, bytes]:
        """A text to warm up with."""
        return {"query": EXAMPLE_QUERY}

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """`serving_default`: `query` string [batch] -> `embedding` float32 [batch, D]."""
        spec = tf.TensorSpec([None], tf.string, name="query")

        @served_function([spec])
        def encode(query: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"embedding": self._text_tower(self._tokeniser(query))}

        return {DEFAULT_SIGNATURE: encode}


class RequestEncoder(QueryEncoder):
    """A query encoder that reads requests: the values that they want, and do not want.

    Args:
        towers: trained; adapters may be on.
        lexicon: the values, V of them.
    """

    def __init__(self, towers: Towers, lexicon: FacetLexicon):
        super().__init__(towers)
        self._reader, self._num_values = RequestReader(lexicon), lexicon.size

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """`serving_default`: `query` string [batch] -> `embedding` float32 [batch, D], of
        the request without what it does not want; `query_facets` float32 [batch, V];
        `words` and `unwanted_words` string [batch]; and `colours` float32 [batch, 4, 4];
        see `Request`.

        `reading`: `query` string [batch] -> `query_facets` float32 [batch, V].

        `understood`: `query_facets` float32 [batch, V] -> `understood` string [batch].
        """
        embed = super().signatures()[DEFAULT_SIGNATURE]
        spec = tf.TensorSpec([None], tf.string, name="query")
        facets_spec = tf.TensorSpec([None, self._num_values], tf.float32, "query_facets")

        @served_function([spec])
        def encode(query: tf.Tensor) -> dict[str, tf.Tensor]:
            request = self._reader(query)
            return {
                **embed(request.text),
                "query_facets": request.query_facets,
                "words": request.words,
                "unwanted_words": request.unwanted_words,
                "colours": request.colours,
            }

        @served_function([facets_spec])
        def understand(query_facets: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"understood": self._reader.understood(query_facets)}

        @served_function([spec])
        def read(query: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"query_facets": self._reader(query).query_facets}

        return {
            DEFAULT_SIGNATURE: encode,
            READING_SIGNATURE: read,
            UNDERSTOOD_SIGNATURE: understand,
        }
