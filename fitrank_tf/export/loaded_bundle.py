"""A bundle at work: what `evaluate` and `search` run, all of it SavedModels."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops of the query encoders

from fitrank_tf.core.chunks import map_in_chunks
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import tracked
from fitrank_tf.export.bundle import (
    FEATURE_HEADS_DIR,
    BundleInfo,
    model_path,
    read_bundle_info,
)
from fitrank_tf.export.embedding import embed_photos, encode_texts
from fitrank_tf.export.graphs.attribute_filter import FILTERS
from fitrank_tf.export.graphs.image_encoder import PIXELS_SIGNATURE
from fitrank_tf.export.graphs.served_catalogue import SearchTables
from fitrank_tf.export.graphs.served_reranker import PROJECTION_SIGNATURE
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, EXPLAINED_SIGNATURE
from fitrank_tf.features.extract import feature_schema
from fitrank_tf.features.feature_models import FeatureModels


class LoadedBundle:
    """The models of a bundle, each loaded when first used.

    Args:
        bundle: its directory.

    Raises:
        FitRankError: if it cannot be used.
    """

    def __init__(self, bundle: Path):
        self._path = bundle
        self.info: BundleInfo = read_bundle_info(bundle)
        self.info.schema.check(feature_schema())
        self._models: dict[str, tf.Module] = {}

    @property
    def feature_models(self) -> FeatureModels:
        """What the features are made with."""
        return FeatureModels.load(
            model_path(self._path, "detector"), self._path / FEATURE_HEADS_DIR
        )

    def model(self, name: str) -> tf.Module:
        """A loaded SavedModel by its name in the bundle."""
        if name not in self._models:
            path = model_path(self._path, name)
            try:
                self._models[name] = tf.saved_model.load(str(path))
            except (OSError, ValueError, tf.errors.OpError) as error:
                raise FitRankError(
                    f"{path} cannot be loaded ({str(error).splitlines()[0]}); "
                    "train the bundle again"
                ) from error
        return self._models[name]

    def encode_queries(self, texts: Sequence[str], baseline: bool) -> dict[str, np.ndarray]:
        """`embedding` float32 [len(texts), D] by the base or the fine-tuned tower; by the
        latter also `query_facets` [len(texts), V]."""
        name = "clip_query_encoder" if baseline else "query_encoder"
        return encode_texts(self.model(name).signatures[DEFAULT_SIGNATURE], texts)

    def embed_photos(
        self, photos: tf.data.Dataset, features: np.ndarray | None = None
    ) -> np.ndarray:
        """Unit embeddings of a catalogue.

        Args:
            photos: uint8 [S, S, 3] each, in the catalogue's order.
            features: float32 [N, F] for the fine-tuned tower; None for the base.

        Returns:
            float32 [N, D].
        """
        name = "clip_image_encoder" if features is None else "image_encoder"
        return embed_photos(self.model(name).signatures[PIXELS_SIGNATURE], photos, features)

    def predict_facets(self, embeddings: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Probabilities of the facet values of products.

        Args:
            embeddings: float32 [N, D], by the fine-tuned towers.
            features: float32 [N, F].

        Returns:
            float32 [N, V].
        """
        predict = self.model("facet_heads").signatures[DEFAULT_SIGNATURE]

        def predict_some(some: np.ndarray, seen: np.ndarray) -> tf.Tensor:
            outputs = predict(embedding=tf.constant(some), features=tf.constant(seen))
            return outputs["facet_probs"]

        return map_in_chunks(predict_some, embeddings, features)

    def known(self, embeddings: np.ndarray, features: np.ndarray) -> SearchTables:
        """What a search keeps of products.

        Args:
            embeddings: float32 [N, D], by the fine-tuned towers.
            features: float32 [N, F].
        """
        feature_projection = self.model("reranker").signatures[PROJECTION_SIGNATURE]
        return SearchTables(
            embeddings,
            map_in_chunks(
                lambda some: feature_projection(features=tf.constant(some))[
                    "feature_projection"
                ],
                features,
            ),
            self.predict_facets(embeddings, features),
        )

    def rerank(self, batches: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Scores of candidate lists, and what adds up to them.

        Args:
            batches: (inputs, labels) as `inputs.listwise.ListArrays` gives.

        Returns:
            float32 [Q, L], and float32 [Q, L, parts]; see `Reranker.explain`.
        """
        explain = self.model("reranker").signatures[EXPLAINED_SIGNATURE]
        total = int(batches.cardinality())
        outputs = [
            explain(**inputs)
            for inputs, _ in tracked(batches, "re-ranking", "batches", total)
        ]
        scores, contributions = (
            np.concatenate([one[name].numpy() for one in outputs])
            for name in ("scores", "contributions")
        )
        return scores, contributions

    def search(
        self, texts: Sequence[str], filters: Mapping[str, str]
    ) -> dict[str, np.ndarray]:
        """The results of the served `search` model; see `graphs.search.Search`.

        Args:
            texts: queries.
            filters: {one of `attribute_filter.FILTERS`: a filter text} for all of them.
        """
        search = self.model("search").signatures[EXPLAINED_SIGNATURE]
        inputs = {"query": tf.constant(list(texts))}
        for name in FILTERS:
            inputs[name] = tf.constant([filters.get(name, "")] * len(texts))
        return {key: value.numpy() for key, value in search(**inputs).items()}
