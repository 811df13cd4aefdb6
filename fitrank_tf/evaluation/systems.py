"""The three systems on one catalogue: from queries to runs."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.inputs.listwise import ProductTables
from fitrank_tf.rerank.candidates import CandidateLists, Index, list_arrays, retrieve
from fitrank_tf.retrieval.choose_index import build_index

CLIP, CLIP_LORA, RERANKED = "clip", "clip_lora", "reranked"
SYSTEMS: tuple[str, ...] = (CLIP, CLIP_LORA, RERANKED)
_RERANK_BATCH = 64
# As many products of a query as anyone looks at.
_EXPLAINED = 20

Ranking = list[tuple[str, float]]


class SearchModels(Protocol):
    """What a system needs of trained models; `export.LoadedBundle` is one."""

    def encode_queries(self, texts: Sequence[str], baseline: bool) -> dict[str, np.ndarray]:
        """`embedding` float32 [Q, D]; `query_facets` [Q, V] too if fine-tuned."""

    def embed_photos(
        self, photos: tf.data.Dataset, features: np.ndarray | None
    ) -> np.ndarray:
        """float32 [N, D]; the base towers where `features` is None."""

    def predict_facets(self, embeddings: np.ndarray, features: np.ndarray) -> np.ndarray:
        """float32 [N, V] from [N, D] and [N, F]."""

    def rerank(self, batches: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """float32 [Q, L] scores of candidate lists, and [Q, L, parts] of them."""


@dataclasses.dataclass(frozen=True)
class EvaluatedCatalogue:
    """The catalogue that is searched.

    Attributes:
        ids: N product ids.
        photos: dataset of uint8 [S, S, 3], in the order of `ids`.
        features: float32 [N, F].
    """

    ids: Sequence[str]
    photos: tf.data.Dataset
    features: np.ndarray


@dataclasses.dataclass(frozen=True)
class SystemRuns:
    """What the systems return.

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
        FitRankError: for a name that is none of `SYSTEMS`, or none at all.
    """
    unknown = [name for name in names if name not in SYSTEMS]
    if unknown or not names:
        raise FitRankError(
            f"--systems: unknown {unknown[0] if unknown else '(none)'}; "
            f"choose from {','.join(SYSTEMS)}"
        )
    return tuple(name for name in SYSTEMS if name in names)


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
        systems: which of `SYSTEMS`.
        list_size: candidates of a query.
        tuned_index: makes the fine-tuned towers' index of their embeddings [N, D].
    """
    texts = list(queries.values())
    runs: dict[str, dict[str, Ranking]] = {}
    contributions: dict[str, dict[str, np.ndarray]] = {}
    if CLIP in systems:
        embeddings = models.embed_photos(catalogue.photos, None)
        encoded = models.encode_queries(texts, baseline=True)
        lists = retrieve(build_index(embeddings), encoded["embedding"], list_size)
        runs[CLIP] = as_run(queries, catalogue.ids, lists, lists.candidates.scores)
    if CLIP_LORA in systems or RERANKED in systems:
        embeddings = models.embed_photos(catalogue.photos, catalogue.features)
        encoded = models.encode_queries(texts, baseline=False)
        lists = retrieve(tuned_index(embeddings), encoded["embedding"], list_size)
        runs[CLIP_LORA] = as_run(queries, catalogue.ids, lists, lists.candidates.scores)
    if RERANKED in systems:
        facet_probs = models.predict_facets(embeddings, catalogue.features)
        tables = ProductTables(embeddings, catalogue.features, facet_probs)
        batches = list_arrays(lists, encoded["query_facets"]).batches(tables, _RERANK_BATCH)
        scores, parts = models.rerank(batches)
        runs[RERANKED] = as_run(queries, catalogue.ids, lists, scores)
        contributions = _first_contributions(
            runs[RERANKED], catalogue.ids, lists.candidates.positions, parts
        )
    rankings = {system: runs[system] for system in SYSTEMS if system in systems}
    return SystemRuns(rankings, contributions)


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
