"""The whole search in one served graph: text in, ranked products out."""

import dataclasses
from collections.abc import Mapping, Sequence

import tensorflow as tf

from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, ServedModule
from fitrank_tf.inputs.listwise import ProductTables


@dataclasses.dataclass(frozen=True)
class SearchableCatalogue:
    """What the graph holds of a catalogue, row by row.

    Attributes:
        ids: N product ids.
        titles: N titles.
        tables: what the models know of the products.
    """

    ids: Sequence[str]
    titles: Sequence[str]
    tables: ProductTables


class Search(ServedModule):
    """Query encoder, exact inner-product search and re-ranker on the candidates.

    `serving_default`: `query` string [batch] -> `ids` and `titles` string
    [batch, k], `scores` float32 [batch, k], `first_stage_ranks` int32 [batch, k]
    from 1; the best first, k = min(list size, catalogue). All ops are in the
    stock TF-Serving binary.

    Args:
        query_encoder: a loaded SavedModel with `query` -> `embedding` and `asked`.
        reranker: a loaded SavedModel of `ServedReranker`.
        catalogue: what is searched.
        list_size: candidates that the re-ranker sees and the answer holds.
    """

    def __init__(
        self,
        query_encoder: tf.Module,
        reranker: tf.Module,
        catalogue: SearchableCatalogue,
        list_size: int,
    ):
        super().__init__(name="search")
        self._query_encoder, self._reranker = query_encoder, reranker
        self._ids = tf.Variable(list(catalogue.ids), dtype=tf.string, trainable=False)
        self._titles = tf.Variable(list(catalogue.titles), dtype=tf.string, trainable=False)
        tables = catalogue.tables
        self._embeddings = tf.Variable(tables.embeddings, trainable=False)
        self._features = tf.Variable(tables.features, trainable=False)
        self._answers = tf.Variable(tables.answers, trainable=False)
        self._list_size = min(list_size, len(catalogue.ids))

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """See the class."""
        spec = tf.TensorSpec([None], tf.string, name="query")

        @tf.function(input_signature=[spec])
        def search(query: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._search(query)

        return {DEFAULT_SIGNATURE: search}

    def _search(self, query: tf.Tensor) -> dict[str, tf.Tensor]:
        encoder = self._query_encoder.signatures[DEFAULT_SIGNATURE]
        scorer = self._reranker.signatures[DEFAULT_SIGNATURE]
        encoded = encoder(query=query)
        embedding = encoded["embedding"]
        similarity = tf.matmul(embedding, self._embeddings, transpose_b=True)
        first_stage, rows = tf.math.top_k(similarity, k=self._list_size)
        scores = scorer(
            query=embedding,
            asked=encoded["asked"],
            images=tf.gather(self._embeddings, rows),
            features=tf.gather(self._features, rows),
            answers=tf.gather(self._answers, rows),
            first_stage=first_stage,
            mask=tf.ones_like(first_stage, tf.bool),
        )["scores"]
        scores, order = tf.math.top_k(scores, k=self._list_size)
        rows = tf.gather(rows, order, batch_dims=1)
        return {
            "ids": tf.gather(self._ids, rows),
            "titles": tf.gather(self._titles, rows),
            "scores": scores,
            "first_stage_ranks": order + 1,
        }
