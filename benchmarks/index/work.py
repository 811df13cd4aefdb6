"""Data and operations of a system in the index benchmark.

`python -m benchmarks.index.work FOLDER SYSTEM SINGLES` runs the process of one system.
"""

import ctypes
import dataclasses
import gc
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.benchmark_process import Operation, serve_operations
from benchmarks.index.sample_embeddings import (
    PASSING_SHARES,
    SampleEmbeddings,
    passing_filter,
)
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
        share: of the vectors that pass the filter; 1 for none.
    """

    k: int
    effort: int
    one_by_one: bool
    share: float = 1.0

    @property
    def operation(self) -> str:
        """The name of the operation."""
        return f"{self.k} {self.effort} {'one' if self.one_by_one else 'all'} {self.share}"


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
    filters: dict[float, np.ndarray | None] = {1.0: None}
    if kind.can_filter:
        filters |= {s: passing_filter(len(vectors), s) for s in PASSING_SHARES}
    for k, (share, passing) in itertools.product(NEIGHBOURS, filters.items()):
        for number, effort in enumerate(kind.efforts(len(vectors), k)):
            for one_by_one in (False, True):
                asked = queries[: int(singles)] if one_by_one else queries
                batches = np.split(asked, len(asked)) if one_by_one else [asked]
                operations[Search(k, number, one_by_one, share).operation] = _searching(
                    index, batches, k, effort, passing
                )
    return operations


def _warm_up(kind: type[IndexSystem], vectors: np.ndarray, queries: np.ndarray) -> None:
    index, k = kind(), NEIGHBOURS[0]
    index.add(vectors, len(vectors))
    index.search(queries, k, kind.efforts(len(vectors), k)[0])


def _searching(
    index: IndexSystem,
    batches: Sequence[np.ndarray],
    k: int,
    effort: Effort,
    passing: np.ndarray | None,
) -> Callable[[], np.ndarray]:
    return lambda: np.concatenate(
        [index.search(queries, k, effort, passing) for queries in batches]
    )


def _anonymous_mebibytes() -> float:
    """MiB of this process's anonymous memory, after free memory was returned."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"RssAnon:\s*(\d+) kB", status)[0]) / 1024


if __name__ == "__main__":
    serve_operations(index_operations)
