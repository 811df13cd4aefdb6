"""Runs the SavedModels of a bundle, for `evaluate` and `search`."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import overload

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  registers the ops of the query encoders

from fitrank_tf.client.hits import Hit, check_top_k, read_hits
from fitrank_tf.core.attribute_names import input_name, known_name
from fitrank_tf.core.chunks import map_in_chunks
from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.core.filters import FilterValue, check_filters, filter_text
from fitrank_tf.core.photos.query import Photo, clean_queries
from fitrank_tf.core.progress import tracked
from fitrank_tf.core.saved_models import load_saved_model
from fitrank_tf.core.shipped import folder_fingerprint
from fitrank_tf.datasets.attributes import NUMBER, Attribute
from fitrank_tf.export.bundle import (
    FEATURE_HEADS_DIR,
    BundleInfo,
    model_path,
    read_bundle_info,
)
from fitrank_tf.export.embedding import embed_photos, encode_texts
from fitrank_tf.export.graphs.candidate_stage import TOP_K, ExactStage
from fitrank_tf.export.graphs.image_encoder import PIXELS_SIGNATURE
from fitrank_tf.export.graphs.number_bounds import NumberBounds, with_bounds
from fitrank_tf.export.graphs.palette_match import palette_table
from fitrank_tf.export.graphs.search import Search
from fitrank_tf.export.graphs.served_catalogue import (
    SearchableCatalogue,
    SearchTables,
    ServedCatalogue,
    read_filters,
)
from fitrank_tf.export.graphs.text_match import title_match
from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    EXPLAINED_SIGNATURE,
    FILTERED_SIGNATURE,
    PROJECTION_SIGNATURE,
    READING_SIGNATURE,
    TITLED_SIGNATURE,
    UNDERSTOOD_SIGNATURE,
)
from fitrank_tf.features.extract import feature_schema
from fitrank_tf.features.feature_models import FeatureModels

# Queries whose candidates are ranked in one step.
_QUERIES_AT_ONCE = 64
_OF_PHOTOS = (
    *("detector", "clip_image_encoder", "image_encoder", "facet_heads", "reranker"),
)
_NO_FILTERS: Mapping[str, FilterValue] = {}


class LoadedBundle:
    """The models of a bundle, each loaded when first used.

    Args:
        bundle: its directory.

    Attributes:
        path: its directory.
        info: the contents of its `bundle.json`.

    Raises:
        FitRankError: if it cannot be used.
    """

    def __init__(self, bundle: Path):
        self.path = bundle
        self.info: BundleInfo = read_bundle_info(bundle)
        self.info.schema.check(feature_schema())
        self._models: dict[str, tf.Module] = {}

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of `bundle.json` and of the models that photos go through."""
        digest = hashlib.sha256(self.info.to_json().encode())
        models = (model_path(self.path, name) for name in _OF_PHOTOS)
        for folder in (*models, self.path / FEATURE_HEADS_DIR):
            digest.update(folder_fingerprint(folder).encode())
        return digest.hexdigest()

    @functools.cached_property
    def products_fingerprint(self) -> str:
        """`fingerprint` and SHA-256 (hex) of the model that titles go through."""
        titles = folder_fingerprint(model_path(self.path, "query_encoder"))
        return self.fingerprint + titles

    @property
    def feature_models(self) -> FeatureModels:
        """The feature models of the bundle."""
        return FeatureModels.load(
            model_path(self.path, "detector"), self.path / FEATURE_HEADS_DIR
        )

    def model(self, name: str) -> tf.Module:
        """A loaded SavedModel by its name in the bundle."""
        if name not in self._models:
            path = model_path(self.path, name)
            try:
                self._models[name] = load_saved_model(path)
            except (OSError, ValueError, tf.errors.OpError) as error:
                raise FitRankError(
                    f"{path} cannot be loaded ({first_line(error)}); train the bundle again"
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

    def read_facets(self, texts: Sequence[str]) -> np.ndarray:
        """The facet values that N texts name, float32 [N, V]; see `Request`."""
        read = self.model("query_encoder").signatures[READING_SIGNATURE]
        return encode_texts(read, texts, "reading titles")["query_facets"]

    def understand(self, texts: Sequence[str]) -> list[str]:
        """What a search reads texts as: "colour not Black; price <50"."""
        if not texts:
            return []
        numbers = NumberBounds(self.info.declaration.filters)
        bounds, rest = numbers(tf.constant(list(texts)))
        facets = self.read_facets([text.decode() for text in rest.numpy()])
        say = self.model("query_encoder").signatures[UNDERSTOOD_SIGNATURE]
        said = say(query_facets=tf.constant(facets))["understood"]
        return [text.decode() for text in with_bounds(said, bounds).numpy()]

    def known(
        self, embeddings: np.ndarray, features: np.ndarray, titles: Sequence[str]
    ) -> SearchTables:
        """Returns what a search stores of products.

        Args:
            embeddings: float32 [N, D], by the fine-tuned towers.
            features: float32 [N, F].
            titles: N texts, "" for none.
        """
        predict = self.model("facet_heads").signatures[TITLED_SIGNATURE]
        feature_projection = self.model("reranker").signatures[PROJECTION_SIGNATURE]
        return SearchTables(
            embeddings,
            map_in_chunks(
                lambda some: feature_projection(features=tf.constant(some))[
                    "feature_projection"
                ],
                features,
            ),
            map_in_chunks(
                lambda some, seen, said: predict(
                    embedding=tf.constant(some),
                    features=tf.constant(seen),
                    query_facets=tf.constant(said),
                )["facet_probs"],
                embeddings,
                features,
                self.read_facets(titles),
            ),
            palette_table(features, self.info.schema),
        )

    def rank_titled(
        self,
        ids: Sequence[str],
        titles: Sequence[str],
        embeddings: np.ndarray,
        features: np.ndarray,
        texts: Sequence[str],
        list_size: int,
    ) -> list[list[tuple[str, float]]]:
        """Ranks N products for Q texts as a served search of them does.

        Args:
            ids: N product ids.
            titles: N titles, "" for none.
            embeddings: float32 [N, D], by the fine-tuned towers.
            features: float32 [N, F].
            texts: Q queries.
            list_size: depth of the rankings.

        Returns:
            Q lists of (product id, score), the best first.
        """
        products = SearchableCatalogue(
            tuple(ids), tuple(titles), {}, self.known(embeddings, features, titles), ()
        )
        held = ServedCatalogue(products)
        models = (self.model("query_encoder"), self.model("reranker"))
        stage, text_match = ExactStage(held, list_size), title_match(titles)
        search = Search(*models, held, stage, text_match, self.info.facets)
        answer = search.signatures()[DEFAULT_SIGNATURE]
        starts = range(0, len(texts), _QUERIES_AT_ONCE)
        found: list[list[tuple[str, float]]] = []
        for start in tracked(starts, "searching with titles", "batches"):
            some = answer(query=tf.constant(list(texts[start : start + _QUERIES_AT_ONCE])))
            for row, scores in zip(some["ids"].numpy(), some["scores"].numpy()):
                pairs = zip(row, scores.tolist())
                found.append([(item.decode(), score) for item, score in pairs if item])
        return found

    def rerank(self, batches: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Returns the scores of candidate lists and the contributions to them.

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

    # A text is a sequence of texts too; the first form is its own.
    @overload
    def search(  # type: ignore[overload-overlap]
        self,
        queries: str,
        top_k: int = 10,
        filters: Mapping[str, FilterValue] = _NO_FILTERS,
    ) -> list[Hit]: ...

    @overload
    def search(
        self,
        queries: Sequence[str],
        top_k: int = 10,
        filters: Mapping[str, FilterValue] = _NO_FILTERS,
    ) -> list[list[Hit]]: ...

    def search(
        self,
        queries: str | Sequence[str],
        top_k: int = 10,
        filters: Mapping[str, FilterValue] = _NO_FILTERS,
    ) -> list[Hit] | list[list[Hit]]:
        """Searches the bundle's catalogue, as its served `search` model does.

        Args:
            queries: one text, or several.
            top_k: the most hits wanted for a query; the model's own limit holds too.
            filters: {attribute: filter} for all queries, as {"gender": "Men", "colour":
                ["Red", "Maroon"], "price": Range(30, 45)}; texts as in `core.filters`.

        Returns:
            The hits of one text, best first; of several texts, a list for each.

        Raises:
            FitRankError: if `top_k` is below 1, or a filter is of no attribute of the
                catalogue or does not fit its kind.
        """
        if isinstance(queries, str):
            return self.search([queries], top_k, filters)[0]
        check_top_k(top_k)
        if not queries:
            return []
        answer = self.answer_queries(queries, filters, top_k)
        return [_hits(answer, row, top_k) for row in range(len(queries))]

    def search_by_photo(
        self,
        photo: Photo,
        text: str = "",
        top_k: int = 10,
        filters: Mapping[str, FilterValue] = _NO_FILTERS,
    ) -> list[Hit]:
        """Finds products like a photo, as the served `similar` model does.

        Args:
            photo: a path or an address, the bytes of an image file in any format that
                Pillow reads, or RGB pixels, uint8 [H, W, 3]. It is cleaned as the
                catalogue's photos are.
            text: what the products should be otherwise, as "in red".
            top_k: as for `search`.
            filters: as for `search`.

        Returns:
            The hits, best first, without explanations.

        Raises:
            FitRankError: as for `search`, and if the photo cannot be read.
        """
        check_top_k(top_k)
        image = tf.constant(clean_queries([photo]))
        model = self.model("similar")
        if not (text.strip() or filters):
            answer = model.signatures[DEFAULT_SIGNATURE](image=image)
        else:
            signature = model.signatures[FILTERED_SIGNATURE]
            answer = signature(
                image=image,
                text=tf.constant([text]),
                **_top_k_input(signature, top_k, 1),
                **self._filter_inputs(filters, 1),
            )
        return _hits({name: value.numpy() for name, value in answer.items()}, 0, top_k)

    def answer_queries(
        self,
        texts: Sequence[str],
        filters: Mapping[str, FilterValue] = _NO_FILTERS,
        top_k: int = tf.int32.max,
    ) -> dict[str, np.ndarray]:
        """Returns the served `search` model's outputs; see `export.graphs.search.Search`.

        Args:
            texts: queries, at least one.
            filters: as for `search`.
            top_k: the most products wanted for a query.

        Returns:
            {output: [len(texts), k]}.
        """
        signature = self.model("search").signatures[EXPLAINED_SIGNATURE]
        answer = signature(
            query=tf.constant(list(texts)),
            **_top_k_input(signature, top_k, len(texts)),
            **self._filter_inputs(filters, len(texts)),
        )
        return {name: value.numpy() for name, value in answer.items()}

    @functools.cached_property
    def filters(self) -> tuple[Attribute, ...]:
        """The attributes that the bundle's searches filter by."""
        return read_filters(self.model("search"))

    def _filter_inputs(
        self, filters: Mapping[str, FilterValue], batch: int
    ) -> dict[str, tf.Tensor]:
        names = [one.name for one in self.filters]
        filters = {known_name(name, names): value for name, value in filters.items()}
        numbers = [one.name for one in self.filters if one.kind == NUMBER]
        check_filters(filters, names, numbers)
        return {
            input_name(name): tf.constant([filter_text(filters.get(name, ""))] * batch)
            for name in names
        }


def _hits(answer: Mapping[str, np.ndarray], row: int, top_k: int) -> list[Hit]:
    return read_hits({name: values[row] for name, values in answer.items()}, top_k)


def _top_k_input(
    signature: tf.types.experimental.ConcreteFunction, top_k: int, batch: int
) -> dict[str, tf.Tensor]:
    """Searches of older bundles lack the input; they give whole lists."""
    if TOP_K not in signature.structured_input_signature[1]:
        return {}
    return {TOP_K: tf.fill([batch], min(top_k, tf.int32.max))}
