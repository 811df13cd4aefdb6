"""The whole search in one served graph: text in, ranked products out."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from fitrank_tf.export.graphs.candidate_stage import CandidateStage
from fitrank_tf.export.graphs.query_encoder import EXAMPLE_QUERY
from fitrank_tf.export.graphs.served_catalogue import ServedCatalogue
from fitrank_tf.export.graphs.served_reranker import (
    KEPT_EXPLAINED_SIGNATURE,
    KEPT_SIGNATURE,
)
from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    EXPLAINED_SIGNATURE,
    FILTERED_SIGNATURE,
    ServedModule,
)
from fitrank_tf.rerank.explanations import explanations
from fitrank_tf.retrieval.scann_graph import SCANN_SAVE_OPTIONS


class Search(ServedModule):
    """Query encoder, first stage and re-ranker on the candidates.

    `serving_default`: `query` string [batch] -> `ids` and `titles` string [batch, k],
    `scores` float32 [batch, k], `first_stage_ranks` int32 [batch, k] from 1; the best
    first, k = min(list size, catalogue).

    `filtered`: `query` and an input for each attribute of the catalogue, string [batch], ""
    for any -> the same. Where fewer than k products pass, "" ids are padding at the end.

    `explained`: as `filtered` -> also `explanations` string [batch, k] such as "colour
    +1.20, similarity -0.31": what speaks most for or against the product beside the other
    candidates. A signature of its own, for those texts cost a tenth of a search.

    With an exact first stage all ops are in the stock TF-Serving binary.

    Args:
        query_encoder: a loaded SavedModel with `query` -> `embedding` and `query_facets`.
        reranker: a loaded SavedModel of `ServedReranker`.
        catalogue: what is searched.
        stage: the first stage, of the same catalogue.
        facets: names of the re-ranker's facets.
    """

    def __init__(
        self,
        query_encoder: tf.Module,
        reranker: tf.Module,
        catalogue: ServedCatalogue,
        stage: CandidateStage,
        facets: Sequence[str],
    ):
        super().__init__(name="search")
        self._query_encoder, self._reranker = query_encoder, reranker
        self.catalogue, self._stage = catalogue, stage
        self._facets = tuple(facets)

    def examples(self) -> Mapping[str, bytes]:
        """A query to warm up with."""
        return {"query": EXAMPLE_QUERY}

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """See the class."""
        query_spec = tf.TensorSpec([None], tf.string, name="query")
        filter_specs = self.catalogue.filter_specs()
        names = self.catalogue.filter_names

        @tf.function(input_signature=[query_spec])
        def search(query: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._search(query, {}, KEPT_SIGNATURE)

        @tf.function(input_signature=[query_spec, *filter_specs])
        def search_filtered(query: tf.Tensor, *filters: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._search(query, dict(zip(names, filters)), KEPT_SIGNATURE)

        @tf.function(input_signature=[query_spec, *filter_specs])
        def explain(query: tf.Tensor, *filters: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._search(query, dict(zip(names, filters)), KEPT_EXPLAINED_SIGNATURE)

        return {
            DEFAULT_SIGNATURE: search,
            FILTERED_SIGNATURE: search_filtered,
            EXPLAINED_SIGNATURE: explain,
        }

    def _search(
        self, query: tf.Tensor, filters: Mapping[str, tf.Tensor], scoring: str
    ) -> dict[str, tf.Tensor]:
        """Retrieves and re-ranks, by the re-ranker's signature `scoring`."""
        encoded = self._query_encoder.signatures[DEFAULT_SIGNATURE](query=query)
        rows, first_stage, found = self._stage(encoded["embedding"], filters)
        score = self._reranker.signatures[scoring]
        scored = self.catalogue.rerank(score, encoded, rows, first_stage, found)
        scores, order = tf.math.top_k(scored["scores"], k=self._stage.size)

        def ordered(values: tf.Tensor) -> tf.Tensor:
            return tf.gather(values, order, batch_dims=1)

        rows, found = ordered(rows), ordered(found)
        results = self.catalogue.results(rows, scores, order + 1, found)
        if "contributions" in scored:
            texts = explanations(ordered(scored["contributions"]), self._facets)
            results["explanations"] = tf.where(found, texts, "")
        return results


class ScannSearch(Search):
    """`Search` saved with ScaNN's ops; its first stage is a `ScannStage`."""

    def save_options(self) -> tf.saved_model.SaveOptions:
        """Admits ScaNN's ops."""
        return SCANN_SAVE_OPTIONS
