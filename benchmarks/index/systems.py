"""The indexes that are timed beside one another, each behind the same few methods.

A package is imported when its index is made, so that this module tells of all of them
everywhere.
"""

import abc
import os
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from fitrank_tf.retrieval.exact_index import ExactIndex
from fitrank_tf.retrieval.scann_index import ScannIndex, settings_for

# Graphs of 16 links a node, built with a search list of 100: at a million vectors of 192
# dimensions they reach a recall of 0.95 and are built in minutes on two cores. faiss'
# own 32 links take longer to build and to search at that recall.
HNSW_LINKS = 16
HNSW_BUILD_LIST = 100

_SEARCH_LISTS = (10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 1000, 1500)
_LEAVES = (2, 4, 6, 10, 16, 25, 40, 64, 100, 160, 250)
_REORDERED = (20, 50, 120, 300, 1000)

Effort = tuple[int, ...]


class IndexSystem(abc.ABC):
    """One index: made empty, filled part by part, searched at several efforts.

    Attributes:
        name: in the tables.
        packages: that it needs beside the project's own.
        build_part: vectors of one `add`; 0 for all at once.
        is_exact: whether there is an effort to choose.
    """

    name: ClassVar[str]
    packages: ClassVar[Sequence[str]] = ()
    build_part: ClassVar[int] = 0
    is_exact: ClassVar[bool] = False

    @classmethod
    def parts(cls, num_items: int) -> list[slice]:
        """The parts that `add` is called with, in order."""
        step = cls.build_part or num_items
        return [slice(at, min(at + step, num_items)) for at in range(0, num_items, step)]

    @classmethod
    def efforts(cls, num_items: int, k: int) -> list[Effort]:
        """What to try for k neighbours, the least first; one for an exact index."""
        return [()]

    @classmethod
    def describe(cls, effort: Effort) -> str:
        """An effort in words."""
        return "all vectors"

    @abc.abstractmethod
    def add(self, vectors: np.ndarray, num_items: int) -> None:
        """Takes in a part, float32 [n, D] unit rows, of `num_items` altogether."""

    @abc.abstractmethod
    def search(self, queries: np.ndarray, k: int, effort: Effort) -> np.ndarray:
        """int [Q, k]: rows of the vectors, best first.

        Args:
            queries: float32 [Q, D].
            k: neighbours.
            effort: one of `efforts`.
        """


class OurExact(IndexSystem):
    """`retrieval.ExactIndex`."""

    name, is_exact = "ours, exact", True

    def add(self, vectors: np.ndarray, num_items: int) -> None:
        self._index = ExactIndex(np.array(vectors))

    def search(self, queries: np.ndarray, k: int, effort: Effort) -> np.ndarray:
        return self._index.search(queries, k).positions


class FaissFlat(IndexSystem):
    """faiss' exact inner product."""

    name, packages, is_exact = "faiss, flat", ("faiss",), True

    def add(self, vectors: np.ndarray, num_items: int) -> None:
        import faiss

        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    def search(self, queries: np.ndarray, k: int, effort: Effort) -> np.ndarray:
        return self._index.search(queries, k)[1]


class OurScann(IndexSystem):
    """`retrieval.ScannIndex`, built with its own settings for the size."""

    name, packages = "ours, ScaNN", ("scann",)

    @classmethod
    def efforts(cls, num_items: int, k: int) -> list[Effort]:
        built = settings_for(num_items)
        leaves = {min(count, built.num_leaves) for count in _LEAVES}
        reordered = {max(k, count) for count in _REORDERED}
        return [(leaf, count) for leaf in sorted(leaves) for count in sorted(reordered)]

    @classmethod
    def describe(cls, effort: Effort) -> str:
        return f"{effort[0]} leaves, {effort[1]} reordered"

    def add(self, vectors: np.ndarray, num_items: int) -> None:
        self._index = ScannIndex(np.array(vectors))

    def search(self, queries: np.ndarray, k: int, effort: Effort) -> np.ndarray:
        leaves, reordered = effort
        return self._index.with_effort(leaves, reordered).search(queries, k).positions


class _Hnsw(IndexSystem):
    """A graph, built in parts and searched with a list of candidates."""

    build_part = 20_000

    def __init__(self) -> None:
        self._index: Any = None

    @classmethod
    def efforts(cls, num_items: int, k: int) -> list[Effort]:
        return sorted({(max(k, size),) for size in _SEARCH_LISTS})

    @classmethod
    def describe(cls, effort: Effort) -> str:
        return f"ef {effort[0]}"


class FaissHnsw(_Hnsw):
    """faiss' graph."""

    name, packages = "faiss, HNSW", ("faiss",)

    def add(self, vectors: np.ndarray, num_items: int) -> None:
        import faiss

        if self._index is None:
            self._index = faiss.IndexHNSWFlat(
                vectors.shape[1], HNSW_LINKS, faiss.METRIC_INNER_PRODUCT
            )
            self._index.hnsw.efConstruction = HNSW_BUILD_LIST
        self._index.add(vectors)

    def search(self, queries: np.ndarray, k: int, effort: Effort) -> np.ndarray:
        self._index.hnsw.efSearch = effort[0]
        return self._index.search(queries, k)[1]


class Hnswlib(_Hnsw):
    """hnswlib's graph."""

    name, packages = "hnswlib", ("hnswlib",)

    def add(self, vectors: np.ndarray, num_items: int) -> None:
        import hnswlib

        if self._index is None:
            self._index = hnswlib.Index("ip", vectors.shape[1])
            self._index.init_index(num_items, HNSW_LINKS, HNSW_BUILD_LIST)
            self._index.set_num_threads(len(os.sched_getaffinity(0)))
        self._index.add_items(vectors)

    def search(self, queries: np.ndarray, k: int, effort: Effort) -> np.ndarray:
        self._index.set_ef(effort[0])
        return self._index.knn_query(queries, k)[0]


SYSTEMS: tuple[type[IndexSystem], ...] = (
    OurScann,
    FaissHnsw,
    Hnswlib,
    OurExact,
    FaissFlat,
)
