"""What every system of the index benchmark is given, and what it is asked for.

`python -m benchmarks.index.work FOLDER SYSTEM` is the process of one system.
"""

import ctypes
import dataclasses
import gc
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from benchmarks.benchmark_process import Way, answer_requests
from benchmarks.index.sample_embeddings import SampleEmbeddings
from benchmarks.index.systems import SYSTEMS, Effort, IndexSystem

NEIGHBOURS = (10, 100)
# The ways beside the searches: take in the next part; MiB that the index holds.
BUILD, MEMORY = "build", "memory"

_VECTORS, _QUERIES = "vectors.npy", "queries.npy"
# Searched before anything counts, so that libraries have made their threads and pools.
_WARM_UP = 1000


@dataclasses.dataclass(frozen=True)
class Search:
    """One way to search.

    Attributes:
        k: neighbours.
        effort: number among the system's efforts for this k.
        one_by_one: a query a call, or else all of them in one.
    """

    k: int
    effort: int
    one_by_one: bool

    @property
    def way(self) -> str:
        """Its name."""
        return f"{self.k} {self.effort} {'one' if self.one_by_one else 'all'}"


def save_sample(folder: Path, sample: SampleEmbeddings) -> None:
    """Writes what the processes read."""
    np.save(folder / _VECTORS, sample.vectors)
    np.save(folder / _QUERIES, sample.queries)


def index_ways(folder: Path, name: str, singles: str) -> Mapping[str, Way]:
    """The ways of one system.

    Args:
        folder: with a sample.
        name: the system's.
        singles: how many queries are searched one by one.
    """
    [kind] = [system for system in SYSTEMS if system.name == name]
    # Mapped: pages of a file are no memory that the index holds.
    vectors = np.load(folder / _VECTORS, mmap_mode="r")
    queries = np.load(folder / _QUERIES)
    _warm_up(kind, vectors[:_WARM_UP], queries)
    index, before = kind(), _held()
    parts = iter(kind.parts(len(vectors)))

    def build() -> np.ndarray:
        index.add(vectors[next(parts)], len(vectors))
        return np.zeros(0)

    ways = {BUILD: build, MEMORY: lambda: np.array(_held() - before)}
    for k in NEIGHBOURS:
        for number, effort in enumerate(kind.efforts(len(vectors), k)):
            all_at_once = Search(k, number, one_by_one=False).way
            ways[all_at_once] = _searching(index, queries, k, effort)
            ways[Search(k, number, one_by_one=True).way] = _searching_one_by_one(
                index, queries[: int(singles)], k, effort
            )
    return ways


def _warm_up(kind: type[IndexSystem], vectors: np.ndarray, queries: np.ndarray) -> None:
    index, k = kind(), NEIGHBOURS[0]
    index.add(vectors, len(vectors))
    index.search(queries, k, kind.efforts(len(vectors), k)[0])


def _searching(
    index: IndexSystem, queries: np.ndarray, k: int, effort: Effort
) -> Callable[[], np.ndarray]:
    return lambda: index.search(queries, k, effort)


def _searching_one_by_one(
    index: IndexSystem, queries: np.ndarray, k: int, effort: Effort
) -> Callable[[], np.ndarray]:
    single = np.split(queries, len(queries))
    return lambda: np.concatenate([index.search(query, k, effort) for query in single])


def _held() -> float:
    """MiB of this process's memory that no file backs, what is free given back first."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"RssAnon:\s*(\d+) kB", status)[1]) / 1024


if __name__ == "__main__":
    answer_requests(index_ways)
