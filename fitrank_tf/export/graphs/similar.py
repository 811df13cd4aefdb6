"""Products like a photo, or like it but as a text says, in one served graph."""

from collections.abc import Mapping

import tensorflow as tf

from fitrank_tf.export.graphs.candidate_stage import (
    ExactStage,
    best_wanted,
    top_k_spec,
)
from fitrank_tf.export.graphs.image_encoder import example_photo
from fitrank_tf.export.graphs.query_encoder import EXAMPLE_QUERY
from fitrank_tf.export.graphs.served_catalogue import ServedCatalogue
from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    FILTERED_SIGNATURE,
    KEPT_EXPLAINED_SIGNATURE,
    ServedModule,
    served_function,
)


class Similar(ServedModule):
    """Image encoder, exact first stage, and the facets that a text names.

    A text moves the photo's embedding towards its own (the sum of both, as for composed
    queries in Baldrati et al., CVPR 2022 workshops), and the facet values that it names
    count as they do for the re-ranker. Without a text the order is that of the cosine.

    `serving_default`: `image` string [batch], an image file each -> `ids` and `titles`
    string [batch, k], `scores` float32 [batch, k], `first_stage_ranks` int32 [batch, k]
    from 1; the best first, scores comparable within one list only.

    `filtered`: `image`, `text` and an input for each attribute of the catalogue, string
    [batch], "" for none, and `top_k` int32 [batch] -> the same, as `Search` cuts it.

    Args:
        image_encoder: a loaded SavedModel with `image` -> `embedding`.
        query_encoder: a loaded SavedModel with `query` -> `embedding` and `query_facets`.
        reranker: a loaded SavedModel of `ServedReranker`.
        catalogue: what is searched.
        stage: the first stage, of the same catalogue.
    """

    def __init__(
        self,
        image_encoder: tf.Module,
        query_encoder: tf.Module,
        reranker: tf.Module,
        catalogue: ServedCatalogue,
        stage: ExactStage,
    ):
        super().__init__(name="similar")
        self._image_encoder, self._query_encoder = image_encoder, query_encoder
        self._reranker = reranker
        self.catalogue, self._stage = catalogue, stage

    def examples(self) -> Mapping[str, bytes]:
        """A photo and a text to warm up with."""
        return {"image": example_photo(), "text": EXAMPLE_QUERY}

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """See the class."""
        own = [tf.TensorSpec([None], tf.string, name=name) for name in ("image", "text")]
        specs = [*own, top_k_spec(), *self.catalogue.filter_specs()]
        names = self.catalogue.filter_names

        @served_function(specs[:1])
        def similar(image: tf.Tensor) -> dict[str, tf.Tensor]:
            rows, first_stage, found = self._stage(self._embed(image), None)
            ranks = tf.zeros_like(rows) + tf.range(1, self._stage.size + 1)
            return self.catalogue.results(rows, first_stage, ranks, found)

        @served_function(specs)
        def similar_filtered(
            image: tf.Tensor, text: tf.Tensor, top_k: tf.Tensor, *filters: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            return self._modified(image, text, top_k, dict(zip(names, filters)))

        return {DEFAULT_SIGNATURE: similar, FILTERED_SIGNATURE: similar_filtered}

    def _embed(self, image: tf.Tensor) -> tf.Tensor:
        return self._image_encoder.signatures[DEFAULT_SIGNATURE](image=image)["embedding"]

    def _modified(
        self,
        image: tf.Tensor,
        text: tf.Tensor,
        top_k: tf.Tensor,
        filters: Mapping[str, tf.Tensor],
    ) -> dict[str, tf.Tensor]:
        encoded = self._query_encoder.signatures[DEFAULT_SIGNATURE](query=text)
        has_text = tf.strings.strip(text)[:, tf.newaxis] != ""
        shift = tf.where(has_text, encoded["embedding"], 0.0)
        embedding = tf.math.l2_normalize(self._embed(image) + shift, axis=-1)
        admitted = self.catalogue.filter(filters) if filters else None
        rows, first_stage, found = self._stage(embedding, admitted)
        explain = self._reranker.signatures[KEPT_EXPLAINED_SIGNATURE]
        scored = self.catalogue.rerank(explain, encoded, rows, first_stage, found)
        # Without the correction, the last contribution, which was trained on texts only.
        scores = tf.reduce_sum(scored["contributions"][..., :-1], axis=-1)
        scores = tf.where(found, scores, scores.dtype.min)
        scores, order, wanted = best_wanted(scores, self._stage.size, top_k)
        rows, found = (tf.gather(values, order, batch_dims=1) for values in (rows, found))
        return self.catalogue.results(rows, scores, order + 1, found & wanted)
