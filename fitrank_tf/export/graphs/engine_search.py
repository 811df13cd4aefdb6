"""A search whose candidates come from an engine: what is asked before it and after it.

The engine holds the products. This graph holds none, so its size does not grow with them:
it reads a request, and it ranks the candidates that the engine found, whose data the
request carries. It scores as `Search` does.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from fitrank_tf.core.attribute_names import input_name
from fitrank_tf.datasets.attributes import Attribute
from fitrank_tf.export.graphs.attribute_filter import range_ends
from fitrank_tf.export.graphs.number_bounds import NumberBounds, with_bounds
from fitrank_tf.export.graphs.palette_match import palette_part
from fitrank_tf.export.graphs.query_encoder import EXAMPLE_QUERY
from fitrank_tf.export.graphs.search import explained_parts, with_own_parts
from fitrank_tf.export.graphs.served_catalogue import SearchTables
from fitrank_tf.export.graphs.text_match import text_part
from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    KEPT_EXPLAINED_SIGNATURE,
    KEPT_SIGNATURE,
    RERANK_EXPLAINED_SIGNATURE,
    RERANK_SIGNATURE,
    UNDERSTOOD_SIGNATURE,
    ServedModule,
    served_function,
)
from fitrank_tf.rerank.explanations import explanations
from fitrank_tf.rerank.match_features import UNWANTED_WEIGHT
from fitrank_tf.retrieval.title_terms import TitleTerms

# Beside the model, in `assets.extra`.
FINGERPRINT_FILE, TERMS_FILE = "fingerprint.txt", "title_terms.json"
# Numbers of a palette's colour.
_POINT = 4


def product_side(tables: SearchTables) -> np.ndarray:
    """What the re-ranker reads of N products, beside their embeddings: float32 [N, W].

    The facet probabilities [V], the projected features [64] and the palette [P * 4].
    """
    parts = (tables.facet_probs, tables.feature_projection, tables.palette)
    flat = [part.reshape(len(part), -1) for part in parts]
    return np.concatenate(flat, axis=1, dtype=np.float32)


class EngineSearch(ServedModule):
    """Reads requests, and ranks candidates.

    `serving_default`: `query` string [batch] ->

    - `embedding` float32 [batch, D], `query_facets` [batch, V], `colours` [batch, 4, 4]:
      see `Request`;
    - `terms` and `unwanted_terms` int64 [batch, T], of the words that are wanted and not
      wanted, by `TitleTerms`; -1 for a word that is none;
    - `bounds_<attribute>` float64 [batch, 2] for each attribute that is a number: the least
      and the greatest that the request wants, infinity for none;
    - `understood` string [batch];
    - `list_size` int32 [batch], how many candidates the nearest products are, and
      `fingerprint` string [batch], of the models and the terms: candidates of an engine
      that was loaded by others fit no request of these.

    `rerank`: `query` [batch, D], `query_facets` and `colours` as they were read, and of L
    candidates `embedding` [batch, L, D], `product` [batch, L, W] (`product_side`),
    `title_match` and `unwanted_title_match` [batch, L], a title's BM25 as a share of the
    best title's, `outside` bool [batch, L], whether a number is outside the bounds, and
    `mask` bool [batch, L], False for padding -> `scores` float32 [batch, L]. Lists of one
    length are batched.

    `rerank_explained`: the same -> also `explanations` string [batch, L], as `Search` has
    them.

    All ops are in the stock TF-Serving binary.

    Args:
        query_encoder: a loaded SavedModel of `RequestEncoder`.
        reranker: a loaded SavedModel of `ServedReranker`.
        declared: the attributes that products can be filtered by.
        terms: of the products' titles.
        facets: names of the re-ranker's facets.
        list_size: see above.
        palette_size: P, the colours of a palette.
        fingerprint: see above.
    """

    def __init__(
        self,
        query_encoder: tf.Module,
        reranker: tf.Module,
        declared: Sequence[Attribute],
        terms: TitleTerms,
        facets: Sequence[str],
        list_size: int,
        palette_size: int,
        fingerprint: str,
    ):
        super().__init__(name="engine_search")
        self._query_encoder, self._reranker = query_encoder, reranker
        self._bounds = NumberBounds(declared)
        self._facets, self._title_terms = tuple(facets), terms
        self._list_size, self._fingerprint = list_size, fingerprint
        self._terms = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(list(terms.words) or [""]),
                tf.constant(list(terms.words.values()) or [-1], tf.int64),
            ),
            default_value=-1,
        )
        known = reranker.signatures[KEPT_SIGNATURE].structured_input_signature[1]
        self._embedding_dim = known["query"].shape[-1]
        self._widths = (
            known["facet_probs"].shape[-1],
            known["feature_projection"].shape[-1],
            palette_size * _POINT,
        )

    def examples(self) -> Mapping[str, bytes]:
        """A query to warm up with."""
        return {"query": EXAMPLE_QUERY}

    def extra_files(self) -> Mapping[str, bytes]:
        """The fingerprint and the terms, for who adds products to the engine."""
        return {
            FINGERPRINT_FILE: self._fingerprint.encode(),
            TERMS_FILE: self._title_terms.to_json().encode(),
        }

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """See the class."""
        specs = self._candidate_specs()
        names = [spec.name for spec in specs]

        @served_function([tf.TensorSpec([None], tf.string, name="query")])
        def read(query: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._read(query)

        @served_function(specs)
        def rerank(*values: tf.Tensor) -> dict[str, tf.Tensor]:
            scores, _ = self._scored(dict(zip(names, values)), KEPT_SIGNATURE)
            return {"scores": scores}

        @served_function(specs)
        def explain(*values: tf.Tensor) -> dict[str, tf.Tensor]:
            given = dict(zip(names, values))
            scores, parts = self._scored(given, KEPT_EXPLAINED_SIGNATURE)
            texts = explanations(parts, explained_parts(self._facets))
            return {
                "scores": scores,
                "explanations": tf.where(given["mask"], texts, ""),
            }

        return {
            DEFAULT_SIGNATURE: read,
            RERANK_SIGNATURE: rerank,
            RERANK_EXPLAINED_SIGNATURE: explain,
        }

    def _candidate_specs(self) -> list[tf.TensorSpec]:
        dim, facets = self._embedding_dim, self._widths[0]
        shapes = {
            "query": [None, dim],
            "query_facets": [None, facets],
            "colours": [None, None, _POINT],
            "embedding": [None, None, dim],
            "product": [None, None, sum(self._widths)],
            "title_match": [None, None],
            "unwanted_title_match": [None, None],
        }
        return [
            *(tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()),
            tf.TensorSpec([None, None], tf.bool, name="outside"),
            tf.TensorSpec([None, None], tf.bool, name="mask"),
        ]

    def _read(self, query: tf.Tensor) -> dict[str, tf.Tensor]:
        bounds, request = self._bounds(query)
        encoded = self._query_encoder.signatures[DEFAULT_SIGNATURE](query=request)
        understand = self._query_encoder.signatures[UNDERSTOOD_SIGNATURE]
        said = understand(query_facets=encoded["query_facets"])["understood"]
        batch = tf.shape(query)
        return {
            **{name: encoded[name] for name in ("embedding", "query_facets", "colours")},
            "terms": self._terms_of(encoded["words"]),
            "unwanted_terms": self._terms_of(encoded["unwanted_words"]),
            **{f"bounds_{input_name(name)}": _ends(of) for name, of in bounds.items()},
            "understood": with_bounds(said, bounds),
            "list_size": tf.fill(batch, self._list_size),
            "fingerprint": tf.fill(batch, self._fingerprint),
        }

    def _terms_of(self, words: tf.Tensor) -> tf.Tensor:
        return self._terms.lookup(tf.strings.split(words).to_tensor(""))

    def _scored(
        self, given: Mapping[str, tf.Tensor], scoring: str
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Scores [batch, L], and their parts [batch, L, parts] where `scoring` has them."""
        found = given["mask"]
        facet_probs, projection, palette = tf.split(given["product"], self._widths, axis=-1)
        points = tf.concat([tf.shape(palette)[:2], [-1, _POINT]], axis=0)
        text = text_part(given["title_match"], given["unwanted_title_match"])
        text -= UNWANTED_WEIGHT * tf.cast(given["outside"], tf.float32)
        text = tf.where(found, text, 0.0)
        of_palette = palette_part(given["colours"], lambda: tf.reshape(palette, points))
        scored = self._reranker.signatures[scoring](
            query=given["query"],
            query_facets=given["query_facets"],
            feature_projection=projection,
            facet_probs=facet_probs,
            # Exact, whatever the engine's index rounds: the re-ranker has learned from it.
            first_stage=tf.einsum("bd,bld->bl", given["query"], given["embedding"]),
            mask=found,
        )
        scores = scored["scores"] + text + of_palette
        if "contributions" not in scored:
            return scores, None
        return scores, with_own_parts(scored["contributions"], text, of_palette, found)


def _ends(texts: tf.Tensor) -> tf.Tensor:
    """Least and greatest number of ranges, float64 [batch, 2]; a text without one is ""."""
    low, high = range_ends(texts)
    inf = tf.constant(np.inf, tf.float64)
    return tf.stack([tf.where(texts == "", -inf, low), high], axis=1)
