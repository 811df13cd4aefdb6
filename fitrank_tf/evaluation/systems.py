"""The systems that are compared on one catalogue: from queries to runs."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.fusion import reciprocal_rank_fusion
from fitrank_tf.inputs.listwise import ProductTables
from fitrank_tf.rerank.candidates import CandidateLists, Index, list_arrays, retrieve
from fitrank_tf.retrieval.bm25 import Bm25Index
from fitrank_tf.retrieval.choose_index import build_index

CLIP, CLIP_LORA, RERANKED = "clip", "clip_lora", "reranked"
SYSTEMS: tuple[str, ...] = (CLIP, CLIP_LORA, RERANKED)
# The served search: the re-ranker, and the products' titles as a signal beside the photos.
TITLED = "titled"
# What a shop has in an afternoon: text search over the titles, and rank fusion with it.
BM25 = "bm25"
FUSIONS: Mapping[str, tuple[str, ...]] = {
    "bm25+clip": (BM25, CLIP),
    "bm25+reranked": (BM25, RERANKED),
}
ALL_SYSTEMS: tuple[str, ...] = (*SYSTEMS, TITLED, BM25, *FUSIONS)
_RERANK_BATCH = 64
# Number of products per query whose scores are explained.
_EXPLAINED = 20

Ranking = list[tuple[str, float]]


class SearchModels(Protocol):
    """Interface of the trained models of a system; `export.LoadedBundle` implements it."""

    def encode_queries(self, texts: Sequence[str], baseline: bool) -> dict[str, np.ndarray]:
        """`embedding` float32 [Q, D]; `query_facets` [Q, V] too if fine-tuned."""

    def embed_photos(
        self, photos: tf.data.Dataset, features: np.ndarray | None
    ) -> np.ndarray:
        """float32 [N, D]; the base towers where `features` is None."""

    def predict_facets(self, embeddings: np.ndarray, features: np.ndarray) -> np.ndarray:
        """float32 [N, V] from [N, D] and [N, F]."""

    def rerank(self, batches: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Scores float32 [Q, L] of candidate lists, and contributions [Q, L, parts]."""

    def rank_titled(
        self,
        ids: Sequence[str],
        titles: Sequence[str],
        embeddings: np.ndarray,
        features: np.ndarray,
        texts: Sequence[str],
        list_size: int,
    ) -> list[Ranking]:
        """Q rankings of N products, as a served search with their titles has them."""


@dataclasses.dataclass(frozen=True)
class EvaluatedCatalogue:
    """The catalogue that is searched.

    Attributes:
        ids: N product ids.
        photos: dataset of uint8 [S, S, 3], in the order of `ids`.
        features: float32 [N, F].
        titles: N titles, "" for none.
    """

    ids: Sequence[str]
    photos: tf.data.Dataset
    features: np.ndarray
    titles: Sequence[str]


@dataclasses.dataclass(frozen=True)
class SystemRuns:
    """Rankings of the systems.

    Attributes:
        rankings: {system: {query id: [(product id, score), ...]}}, the best first.
        contributions: {query id: {product id: float32 [parts]}} of the re-ranker's first
            products; see `Reranker.explain`. Empty where it did not run.
    """

    rankings: Mapping[str, Mapping[str, Ranking]]
    contributions: Mapping[str, Mapping[str, np.ndarray]]


def check_systems(names: Sequence[str]) -> tuple[str, ...]:
    """The systems in their fixed order.

    Raises:
        FitRankError: for a name that is none of `ALL_SYSTEMS`, or none at all.
    """
    unknown = [name for name in names if name not in ALL_SYSTEMS]
    if unknown or not names:
        raise FitRankError(
            f"--systems: unknown {unknown[0] if unknown else '(none)'}; "
            f"choose from {','.join(ALL_SYSTEMS)}"
        )
    return tuple(name for name in ALL_SYSTEMS if name in names)


def run_systems(
    models: SearchModels,
    catalogue: EvaluatedCatalogue,
    queries: Mapping[str, str],
    systems: Sequence[str],
    list_size: int,
    tuned_index: Callable[[np.ndarray], Index] = build_index,
) -> SystemRuns:
    """Ranks the catalogue for every query by each system.

    Every run is `list_size` deep. `reranked` orders the candidates of
    `clip_lora`; what those missed it cannot bring back.

    Args:
        models: trained.
        catalogue: to search.
        queries: {query id: text}.
        systems: which of `ALL_SYSTEMS`.
        list_size: candidates of a query.
        tuned_index: makes the fine-tuned towers' index of their embeddings [N, D].
    """
    texts = list(queries.values())
    runs: dict[str, Mapping[str, Ranking]] = {}
    contributions: dict[str, dict[str, np.ndarray]] = {}
    needed = {part for system in systems for part in FUSIONS.get(system, (system,))}
    if BM25 in needed:
        matches = Bm25Index.of(catalogue.titles).scores(texts)
        runs[BM25] = {
            query: _best(catalogue.ids, scores, list_size)
            for query, scores in zip(queries, matches)
        }
    if CLIP in needed:
        embeddings = models.embed_photos(catalogue.photos, None)
        encoded = models.encode_queries(texts, baseline=True)
        lists = retrieve(build_index(embeddings), encoded["embedding"], list_size)
        runs[CLIP] = as_run(queries, catalogue.ids, lists, lists.candidates.scores)
    if needed & {CLIP_LORA, RERANKED, TITLED}:
        embeddings = models.embed_photos(catalogue.photos, catalogue.features)
        encoded = models.encode_queries(texts, baseline=False)
        lists = retrieve(tuned_index(embeddings), encoded["embedding"], list_size)
        runs[CLIP_LORA] = as_run(queries, catalogue.ids, lists, lists.candidates.scores)
    if RERANKED in needed:
        facet_probs = models.predict_facets(embeddings, catalogue.features)
        tables = ProductTables(embeddings, catalogue.features, facet_probs)
        batches = list_arrays(lists, encoded["query_facets"]).batches(tables, _RERANK_BATCH)
        scores, parts = models.rerank(batches)
        runs[RERANKED] = as_run(queries, catalogue.ids, lists, scores)
        contributions = _first_contributions(
            runs[RERANKED], catalogue.ids, lists.candidates.positions, parts
        )
    if TITLED in needed:
        ranked = models.rank_titled(
            catalogue.ids,
            catalogue.titles,
            embeddings,
            catalogue.features,
            texts,
            list_size,
        )
        runs[TITLED] = dict(zip(queries, ranked, strict=True))
    for system in set(systems) & set(FUSIONS):
        runs[system] = reciprocal_rank_fusion({of: runs[of] for of in FUSIONS[system]})
    rankings = {system: runs[system] for system in ALL_SYSTEMS if system in systems}
    return SystemRuns(rankings, contributions)


def _best(ids: Sequence[str], scores: np.ndarray, size: int) -> Ranking:
    """The products of the largest scores above 0."""
    order = np.argsort(-scores, kind="stable")[:size]
    return [(ids[n], float(scores[n])) for n in order if scores[n] > 0.0]


def _first_contributions(
    run: Mapping[str, Ranking],
    ids: Sequence[str],
    positions: np.ndarray,
    parts: np.ndarray,
) -> dict[str, dict[str, np.ndarray]]:
    """Of the first products of every query, int32 [Q, L] and float32 [Q, L, parts]."""
    contributions = {}
    for (query_id, ranking), row, of_row in zip(run.items(), positions, parts):
        place = {ids[position]: where for where, position in enumerate(row)}
        contributions[query_id] = {
            item: of_row[place[item]] for item, _ in ranking[:_EXPLAINED]
        }
    return contributions


def as_run(
    queries: Mapping[str, str],
    ids: Sequence[str],
    lists: CandidateLists,
    scores: np.ndarray,
) -> dict[str, Ranking]:
    """Candidate lists as a run.

    Args:
        queries: {query id: text}, in the order of the lists.
        ids: of the catalogue that was searched.
        lists: of Q queries.
        scores: float32 [Q, K], what orders the candidates.

    Returns:
        {query id: [(product id, score), ...]}, the best first, without padding.
    """
    run = {}
    for row, query_id in enumerate(queries):
        real = np.flatnonzero(lists.candidates.positions[row] >= 0)
        best_first = real[np.argsort(-scores[row, real], kind="stable")]
        run[query_id] = [
            (ids[lists.candidates.positions[row, place]], float(scores[row, place]))
            for place in best_first
        ]
    return run
