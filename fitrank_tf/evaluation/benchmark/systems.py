"""Runs the systems of a bundle on the tasks of a benchmark, by exact search."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from fitrank_tf.core.progress import tracked
from fitrank_tf.evaluation.benchmark.photos import EmbeddedPhotos
from fitrank_tf.evaluation.benchmark.task import PHOTO, PRODUCT, TEXT, Task
from fitrank_tf.evaluation.systems import (
    CLIP,
    CLIP_LORA,
    RERANKED,
    SYSTEMS,
    Ranking,
    as_run,
)
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import KEPT_SIGNATURE
from fitrank_tf.rerank.candidates import retrieve
from fitrank_tf.retrieval.exact_index import ExactIndex

# Of a product's embedding (Marqo's protocol).
_PHOTO_SHARE, _TEXT_SHARE = 0.9, 0.1
_QUERIES_AT_ONCE = 64

TaskRun = dict[str, Ranking]


def able(task: Task, systems: Sequence[str]) -> list[str]:
    """The systems that can do a task.

    The re-ranker orders photos and products for a text; it orders no texts, and nothing
    for a photo.
    """
    reranks = task.asks == TEXT and task.finds != TEXT
    return [name for name in SYSTEMS if name in systems and (name != RERANKED or reranks)]


class BenchmarkSystems:
    """The systems of a bundle on the photos of a benchmark.

    Args:
        bundle: trained.
        photos: of N Items.
        ids: their ids.
        texts: their texts, for products.
    """

    def __init__(
        self,
        bundle: LoadedBundle,
        photos: EmbeddedPhotos,
        ids: Sequence[str],
        texts: Sequence[str],
    ):
        self._bundle, self._photos = bundle, photos
        self._place = {item: place for place, item in enumerate(ids)}
        self._texts = texts

    def run(self, task: Task, systems: Sequence[str]) -> dict[str, TaskRun]:
        """{system: {query id: ranking}} of those systems that can do a task."""
        makers: Mapping[str, Callable[[Task], TaskRun]] = {
            CLIP: lambda task: self._towers(task, CLIP),
            CLIP_LORA: lambda task: self._towers(task, CLIP_LORA),
            RERANKED: self._reranked,
        }
        return {name: makers[name](task) for name in able(task, systems)}

    def _towers(self, task: Task, system: str) -> TaskRun:
        index = ExactIndex(self._documents(task, system))
        depth = task.depth + int(task.excludes_query)
        lists = retrieve(index, self._queries(task, system), depth)
        run = as_run(task.queries, list(task.documents), lists, lists.candidates.scores)
        return {
            query: [
                (document, score)
                for document, score in ranking
                if not (task.excludes_query and document == query)
            ][: task.depth]
            for query, ranking in run.items()
        }

    def _reranked(self, task: Task) -> TaskRun:
        """The fine-tuned towers' first candidates in the order of the re-ranker."""
        encoded = self._bundle.encode_queries(list(task.queries.values()), baseline=False)
        size = min(max(self._bundle.info.list_size, task.depth), len(task.documents))
        index = ExactIndex(self._documents(task, CLIP_LORA))
        lists = retrieve(index, encoded["embedding"], size)
        rows = self._rows(list(task.documents.values()))
        score = self._bundle.model("reranker").signatures[KEPT_SIGNATURE]
        starts = range(0, len(task.queries), _QUERIES_AT_ONCE)
        scores = []
        for start in tracked(starts, f"re-ranking {task.name}", "batches"):
            some = slice(start, start + _QUERIES_AT_ONCE)
            positions = lists.candidates.positions[some]
            seen = rows[np.maximum(positions, 0)]
            scored = score(
                query=tf.constant(encoded["embedding"][some]),
                query_facets=tf.constant(encoded["query_facets"][some]),
                feature_projection=tf.constant(self._photos.feature_projection[seen]),
                facet_probs=tf.constant(self._photos.facet_probs[seen]),
                first_stage=tf.constant(lists.candidates.scores[some]),
                mask=tf.constant(positions >= 0),
            )
            scores.append(scored["scores"].numpy())
        run = as_run(task.queries, list(task.documents), lists, np.concatenate(scores))
        return {query: ranking[: task.depth] for query, ranking in run.items()}

    def _queries(self, task: Task, system: str) -> np.ndarray:
        if task.asks == PHOTO:
            return self._of_photos(system)[self._rows(list(task.queries.values()))]
        return self._embedded_texts(list(task.queries.values()), system)

    def _documents(self, task: Task, system: str) -> np.ndarray:
        if task.finds == TEXT:
            return self._embedded_texts(list(task.documents.values()), system)
        rows = self._rows(list(task.documents.values()))
        photos = self._of_photos(system)[rows]
        if task.finds != PRODUCT:
            return photos
        texts = self._embedded_texts([self._texts[row] for row in rows], system)
        mixed = _PHOTO_SHARE * photos + _TEXT_SHARE * texts
        return mixed / np.linalg.norm(mixed, axis=1, keepdims=True)

    def _of_photos(self, system: str) -> np.ndarray:
        return self._photos.clip if system == CLIP else self._photos.clip_lora

    def _embedded_texts(self, texts: Sequence[str], system: str) -> np.ndarray:
        return self._bundle.encode_queries(texts, system == CLIP)["embedding"]

    def _rows(self, items: Sequence[str]) -> np.ndarray:
        return np.array([self._place[item] for item in items], np.int64)
