"""The whole search in one served graph: text in, ranked products out."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from fitrank_tf.client.engine.layout import LIKELY, titled_places
from fitrank_tf.export.graphs.candidate_stage import (
    CandidateStage,
    Stage,
    best_wanted,
    top_k_spec,
)
from fitrank_tf.export.graphs.number_bounds import NumberBounds, with_bounds
from fitrank_tf.export.graphs.palette_match import palette_part
from fitrank_tf.export.graphs.query_encoder import EXAMPLE_QUERY
from fitrank_tf.export.graphs.served_catalogue import ServedCatalogue, rows_of
from fitrank_tf.export.graphs.text_match import TextMatch, text_part
from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    EXPLAINED_SIGNATURE,
    FILTERED_SIGNATURE,
    KEPT_EXPLAINED_SIGNATURE,
    KEPT_SIGNATURE,
    UNDERSTOOD_SIGNATURE,
    ServedModule,
    served_function,
)
from fitrank_tf.rerank.explanations import explanations, score_contributions
from fitrank_tf.rerank.list_statistics import less_list_mean
from fitrank_tf.rerank.match_features import UNWANTED_WEIGHT
from fitrank_tf.retrieval.scann_graph import SCANN_SAVE_OPTIONS


class Search(ServedModule):
    """Query encoder, first stage and re-ranker on the candidates.

    `serving_default`: `query` string [batch] -> `ids` and `titles` string [batch, k],
    `scores` float32 [batch, k], `first_stage_ranks` int32 [batch, k] from 1; the best
    first, k = min(list size, catalogue).

    `filtered`: `query`, `top_k` int32 [batch], and an input for each attribute of the
    catalogue, string [batch], "" for any -> the same, of the width max(top_k), at most k.
    Where fewer products pass, or a query wants fewer than another of its batch, "" ids are
    padding at the end.

    `explained`: as `filtered` -> also `explanations` string [batch, k] such as "colour
    +1.20, similarity -0.31": what speaks most for or against the product beside the other
    candidates; and `understood` string [batch]. A signature of its own, for the texts of
    100 products cost a tenth of a search.

    With an exact first stage all ops are in the stock TF-Serving binary.

    Args:
        query_encoder: a loaded SavedModel with `query` -> `embedding` and `query_facets`.
        reranker: a loaded SavedModel of `ServedReranker`.
        catalogue: what is searched.
        stage: the first stage, of the same catalogue.
        text_match: of the catalogue's titles; None searches without them.
        facets: names of the re-ranker's facets.
    """

    def __init__(
        self,
        query_encoder: tf.Module,
        reranker: tf.Module,
        catalogue: ServedCatalogue,
        stage: CandidateStage,
        text_match: TextMatch | None,
        facets: Sequence[str],
    ):
        super().__init__(name="search")
        self._query_encoder, self._reranker = query_encoder, reranker
        self.catalogue, self._stage = catalogue, stage
        self._text_match = text_match
        self._bounds = NumberBounds(catalogue.filter.declared)
        self._facets = tuple(facets)

    def examples(self) -> Mapping[str, bytes]:
        """A query to warm up with."""
        return {"query": EXAMPLE_QUERY}

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """See the class."""
        query_spec = tf.TensorSpec([None], tf.string, name="query")
        filter_specs = self.catalogue.filter_specs()
        names = self.catalogue.filter_names

        @served_function([query_spec])
        def search(query: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._search(query, None, {}, KEPT_SIGNATURE)

        @served_function([query_spec, top_k_spec(), *filter_specs])
        def search_filtered(
            query: tf.Tensor, top_k: tf.Tensor, *filters: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            return self._search(query, top_k, dict(zip(names, filters)), KEPT_SIGNATURE)

        @served_function([query_spec, top_k_spec(), *filter_specs])
        def explain(
            query: tf.Tensor, top_k: tf.Tensor, *filters: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            chosen = dict(zip(names, filters))
            return self._search(query, top_k, chosen, KEPT_EXPLAINED_SIGNATURE)

        return {
            DEFAULT_SIGNATURE: search,
            FILTERED_SIGNATURE: search_filtered,
            EXPLAINED_SIGNATURE: explain,
        }

    def _search(
        self,
        query: tf.Tensor,
        top_k: tf.Tensor | None,
        filters: Mapping[str, tf.Tensor],
        scoring: str,
    ) -> dict[str, tf.Tensor]:
        """Retrieves and re-ranks, by the re-ranker's signature `scoring`."""
        bounds, request = self._bounds(query)
        encoded = self._query_encoder.signatures[DEFAULT_SIGNATURE](query=request)
        admitted = self.catalogue.filter(filters) if filters else None
        within = self.catalogue.filter(bounds) if bounds else None
        stage = self._candidates(encoded, admitted, within)
        stage, text = self._with_text(encoded, stage, admitted)
        rows, first_stage, found = stage
        if within is not None:
            outside = ~tf.gather(within, rows, batch_dims=1) & found
            text -= UNWANTED_WEIGHT * tf.cast(outside, tf.float32)
        of_palette = palette_part(
            encoded["colours"], lambda: tf.gather(self.catalogue.palette, rows)
        )
        score = self._reranker.signatures[scoring]
        scored = self.catalogue.rerank(score, encoded, rows, first_stage, found)
        scores, order, wanted = best_wanted(
            scored["scores"] + text + of_palette, self._stage.size, top_k
        )

        def ordered(values: tf.Tensor) -> tf.Tensor:
            return tf.gather(values, order, batch_dims=1)

        rows, found = ordered(rows), ordered(found) & wanted
        results = self.catalogue.results(rows, scores, order + 1, found)
        if "contributions" in scored:
            parts = with_own_parts(scored["contributions"], text, of_palette, stage[2])
            texts = explanations(ordered(parts), explained_parts(self._facets))
            results["explanations"] = tf.where(found, texts, "")
            understand = self._query_encoder.signatures[UNDERSTOOD_SIGNATURE]
            read = understand(query_facets=encoded["query_facets"])["understood"]
            results["understood"] = with_bounds(read, bounds)
        return results

    def _candidates(
        self,
        encoded: Mapping[str, tf.Tensor],
        admitted: tf.Tensor | None,
        within: tf.Tensor | None,
    ) -> Stage:
        """The first stage, among the products that have no unwanted value.

        Where too few are left for a list, the others are candidates too. So it is with the
        products that are not within the bounds of a request.
        """
        embedding, unwanted = encoded["embedding"], -encoded["query_facets"]

        def wanted_ones() -> Stage:
            facet_probs = self.catalogue.facet_probs
            chance = tf.matmul(tf.maximum(unwanted, 0.0), facet_probs, transpose_b=True)
            kept = chance < LIKELY
            for others in (within, admitted):
                if others is not None:
                    kept &= others
            count = tf.math.count_nonzero(kept, axis=1, keepdims=True, dtype=tf.int32)
            kept |= count < self._stage.size
            return self._stage(embedding, kept if admitted is None else kept & admitted)

        restricted = tf.reduce_any(unwanted > 0.0)
        if within is not None:
            restricted |= ~tf.reduce_all(within)
        return tf.cond(
            restricted,
            wanted_ones,
            lambda: self._stage(embedding, admitted),
        )

    def _with_text(
        self,
        encoded: Mapping[str, tf.Tensor],
        stage: Stage,
        admitted: tf.Tensor | None,
    ) -> tuple[Stage, tf.Tensor]:
        """Adds the products whose titles match best to the candidates.

        Returns:
            The candidates, [batch, L], and what their titles add to their scores, float32
            [batch, L].
        """
        rows, first_stage, found = stage
        text_match = self._text_match
        if text_match is None:
            return stage, tf.zeros_like(first_stage)
        match = _share_of_best(text_match, encoded["words"])
        unwanted = tf.cond(
            tf.reduce_any(encoded["unwanted_words"] != ""),
            lambda: _share_of_best(text_match, encoded["unwanted_words"]),
            lambda: tf.zeros_like(match),
        )
        if admitted is not None:
            match = tf.where(admitted, match, 0.0)
        matches, more = tf.math.top_k(match, k=titled_places(self._stage.size))
        known = tf.reduce_any(
            (more[:, :, tf.newaxis] == rows[:, tf.newaxis]) & found[:, tf.newaxis], axis=2
        )
        near = rows_of(self.catalogue.embeddings, more)
        added = (
            more,
            tf.einsum("bd,bkd->bk", encoded["embedding"], near),
            (matches > 0.0) & ~known,
        )
        rows, first_stage, found = (
            tf.concat(pair, axis=1) for pair in zip((rows, first_stage, found), added)
        )
        text = tf.gather(text_part(match, unwanted), rows, batch_dims=1)
        return (rows, first_stage, found), tf.where(found, text, 0.0)


def explained_parts(facets: Sequence[str]) -> tuple[str, ...]:
    """The names of the parts of a search's scores, as `with_own_parts` has them."""
    return (*score_contributions(facets), "text", "palette")


def with_own_parts(
    contributions: tf.Tensor, text: tf.Tensor, of_palette: tf.Tensor, found: tf.Tensor
) -> tf.Tensor:
    """The re-ranker's contributions and a search's own, [batch, L, parts].

    Args:
        contributions: float32 [batch, L, C], see `Reranker.explain`.
        text: float32 [batch, L], by `text_part`.
        of_palette: float32 [batch, L] or of one for all, by `palette_part`.
        found: bool [batch, L], False for padding.
    """
    more = tf.stack([text, tf.broadcast_to(of_palette, tf.shape(text))], axis=-1)
    return tf.concat([contributions, less_list_mean(more, found)], axis=-1)


def _share_of_best(text_match: TextMatch, words: tf.Tensor) -> tf.Tensor:
    """How well each title matches, float32 [batch, N] from 0 to 1 for the best.

    Args:
        text_match: of the N titles.
        words: string [batch], with one blank between them.
    """
    match = text_match(tf.strings.split(words).to_tensor(""))
    return tf.math.divide_no_nan(match, tf.reduce_max(match, axis=1, keepdims=True))


class ScannSearch(Search):
    """`Search` saved with ScaNN's ops; its first stage is a `ScannStage`."""

    def save_options(self) -> tf.saved_model.SaveOptions:
        """Admits ScaNN's ops."""
        return SCANN_SAVE_OPTIONS
