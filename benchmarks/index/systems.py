"""The indexes of the benchmark behind one interface.

A package is imported only when its index is made, so this module works without it.
"""

import abc
import os
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.retrieval.exact_index import ExactIndex
from fitrank_tf.retrieval.scann_index import ScannIndex, settings_for

# Graphs of 16 links per node, built with a search list of 100: with a million vectors of
# 192 dimensions they reach a recall of 0.95 and are built in minutes on two cores. faiss'
# default of 32 links takes longer to build and to search at that recall.
HNSW_LINKS = 16
HNSW_BUILD_LIST = 100

_SEARCH_LISTS = (10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640, 1000, 1500)
_LEAVES = (2, 4, 6, 10, 16, 25, 40, 64, 100, 160, 250)
_REORDERED = (20, 50, 120, 300, 1000)

# The search parameters that trade speed for recall, such as the candidate list of a graph.
Effort = tuple[int, ...]


class IndexSystem(abc.ABC):
    """An index that is created empty, filled in parts and searched at several efforts.

    Attributes:
        name: the name in the tables.
        packages: required packages besides the project's dependencies.
        build_part: number of vectors of one `add`; 0 adds all at once.
        is_exact: whether the search is exact, with a single effort.
        can_filter: whether it is timed with filters.
    """

    name: ClassVar[str]
    packages: ClassVar[Sequence[str]] = ()
    build_part: ClassVar[int] = 0
    is_exact: ClassVar[bool] = False
    can_filter: ClassVar[bool] = True

    @classmethod
    def parts(cls, num_items: int) -> list[slice]:
        """The rows of each call of `add`, in order."""
        step = cls.build_part or num_items
        return [slice(at, min(at + step, num_items)) for at in range(0, num_items, step)]

    @classmethod
    def efforts(cls, num_items: int, k: int) -> list[Effort]:
        """The efforts to try.

        Args:
            num_items: number of vectors.
            k: number of neighbours.

        Returns:
            Efforts in increasing order; one for an exact index.
        """
        return [()]

    @classmethod
    def describe(cls, effort: Effort) -> str:
        """An effort as a cell of the table."""
        return "all vectors"

    @abc.abstractmethod
    def add(self, vectors: np.ndarray, num_items: int) -> None:
        """Adds vectors to the index.

        Args:
            vectors: float32 [n, D], unit rows.
            num_items: number of vectors of all parts.
        """

    @abc.abstractmethod
    def search(
        self,
        queries: np.ndarray,
        k: int,
        effort: Effort,
        passing: np.ndarray | None = None,
    ) -> np.ndarray:
        """Finds the nearest vectors by inner product.

        Args:
            queries: float32 [Q, D].
            k: number of neighbours.
            effort: one of `efforts`.
            passing: bool [N], the vectors that pass a filter; None for all.

        Returns:
            Rows of the vectors, int [Q, k], best first; -1 where none was found.
        """


class OurExact(IndexSystem):
    """`retrieval.ExactIndex`."""

    name, is_exact = "ours, exact", True

    def add(self, vectors: np.ndarray, num_items: int) -> None:
        self._index = ExactIndex(np.array(vectors))

    def search(
        self,
        queries: np.ndarray,
        k: int,
        effort: Effort,
        passing: np.ndarray | None = None,
    ) -> np.ndarray:
        return self._index.search(queries, k, passing).positions


class FaissFlat(IndexSystem):
    """faiss' exact search by inner product."""

    name, packages, is_exact = "faiss, flat", ("faiss",), True

    def add(self, vectors: np.ndarray, num_items: int) -> None:
        import faiss

        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)

    def search(
        self,
        queries: np.ndarray,
        k: int,
        effort: Effort,
        passing: np.ndarray | None = None,
    ) -> np.ndarray:
        import faiss

        params = faiss.SearchParameters(**_faiss_selector(passing))
        return self._index.search(queries, k, params=params)[1]


class OurScann(IndexSystem):
    """`retrieval.ScannIndex`, built with the settings that it chooses for the size."""

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

    def search(
        self,
        queries: np.ndarray,
        k: int,
        effort: Effort,
        passing: np.ndarray | None = None,
    ) -> np.ndarray:
        leaves, reordered = effort
        index = self._index.with_effort(leaves, reordered)
        return index.search(queries, k, passing).positions


class _Hnsw(IndexSystem):
    """An HNSW graph, built in parts and searched with a list of candidates."""

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
    """faiss' HNSW graph."""

    name, packages = "faiss, HNSW", ("faiss",)

    def add(self, vectors: np.ndarray, num_items: int) -> None:
        import faiss

        if self._index is None:
            self._index = faiss.IndexHNSWFlat(
                vectors.shape[1], HNSW_LINKS, faiss.METRIC_INNER_PRODUCT
            )
            self._index.hnsw.efConstruction = HNSW_BUILD_LIST
        self._index.add(vectors)

    def search(
        self,
        queries: np.ndarray,
        k: int,
        effort: Effort,
        passing: np.ndarray | None = None,
    ) -> np.ndarray:
        import faiss

        selector = _faiss_selector(passing)
        params = faiss.SearchParametersHNSW(efSearch=effort[0], **selector)
        return self._index.search(queries, k, params=params)[1]


class Hnswlib(_Hnsw):
    """hnswlib's HNSW graph."""

    name, packages, can_filter = "hnswlib", ("hnswlib",), False

    def add(self, vectors: np.ndarray, num_items: int) -> None:
        import hnswlib

        if self._index is None:
            self._index = hnswlib.Index("ip", vectors.shape[1])
            self._index.init_index(num_items, HNSW_LINKS, HNSW_BUILD_LIST)
            self._index.set_num_threads(len(os.sched_getaffinity(0)))
        self._index.add_items(vectors)

    def search(
        self,
        queries: np.ndarray,
        k: int,
        effort: Effort,
        passing: np.ndarray | None = None,
    ) -> np.ndarray:
        self._index.set_ef(effort[0])
        if passing is None:
            return self._index.knn_query(queries, k)[0]
        raise FitRankError("hnswlib calls Python for each vector that it filters")


def _faiss_selector(passing: np.ndarray | None) -> dict[str, Any]:
    import faiss

    if passing is None:
        return {}
    return {"sel": faiss.IDSelectorBitmap(np.packbits(passing, bitorder="little"))}


SYSTEMS: tuple[type[IndexSystem], ...] = (
    OurScann,
    FaissHnsw,
    Hnswlib,
    OurExact,
    FaissFlat,
)
