"""Data and operations of a system in the index benchmark.

`python -m benchmarks.index.work FOLDER SYSTEM SINGLES` runs the process of one system.
"""

import ctypes
import dataclasses
import gc
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from benchmarks.benchmark_process import Operation, serve_operations
from benchmarks.index.sample_embeddings import SampleEmbeddings
from benchmarks.index.systems import SYSTEMS, Effort, IndexSystem

NEIGHBOURS = (10, 100)
# The operations besides searches: add the next part; the MiB that the index occupies.
BUILD, MEMORY = "build", "memory"

_VECTORS, _QUERIES = "vectors.npy", "queries.npy"
# Vectors indexed and searched before timing, so that libraries create their thread pools.
_WARM_UP = 1000


@dataclasses.dataclass(frozen=True)
class Search:
    """A search operation.

    Attributes:
        k: number of neighbours.
        effort: index of the effort in `IndexSystem.efforts` for this k.
        one_by_one: whether each call searches one query, or all of them.
    """

    k: int
    effort: int
    one_by_one: bool

    @property
    def operation(self) -> str:
        """The name of the operation."""
        return f"{self.k} {self.effort} {'one' if self.one_by_one else 'all'}"


def save_sample(folder: Path, sample: SampleEmbeddings) -> None:
    """Writes the vectors and queries that the processes read."""
    np.save(folder / _VECTORS, sample.vectors)
    np.save(folder / _QUERIES, sample.queries)


def index_operations(folder: Path, name: str, singles: str) -> Mapping[str, Operation]:
    """The operations of one system.

    Args:
        folder: directory with the files of `save_sample`.
        name: the system's name.
        singles: how many queries are searched one by one, in decimal digits.

    Returns:
        {name: operation}.
    """
    [kind] = [system for system in SYSTEMS if system.name == name]
    # Memory-mapped: the pages of a file do not count as memory of the index.
    vectors = np.load(folder / _VECTORS, mmap_mode="r")
    queries = np.load(folder / _QUERIES)
    _warm_up(kind, vectors[:_WARM_UP], queries)
    index, before = kind(), _anonymous_mebibytes()
    parts = iter(kind.parts(len(vectors)))

    def build() -> np.ndarray:
        index.add(vectors[next(parts)], len(vectors))
        return np.zeros(0)

    operations = {BUILD: build, MEMORY: lambda: np.array(_anonymous_mebibytes() - before)}
    for k in NEIGHBOURS:
        for number, effort in enumerate(kind.efforts(len(vectors), k)):
            all_at_once = Search(k, number, one_by_one=False).operation
            operations[all_at_once] = _searching(index, queries, k, effort)
            operations[Search(k, number, one_by_one=True).operation] = (
                _searching_one_by_one(index, queries[: int(singles)], k, effort)
            )
    return operations


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


def _anonymous_mebibytes() -> float:
    """MiB of this process's anonymous memory, after free memory was returned."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"RssAnon:\s*(\d+) kB", status)[0]) / 1024


if __name__ == "__main__":
    serve_operations(index_operations)
