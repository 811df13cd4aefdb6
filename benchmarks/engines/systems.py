"""The systems of the comparison: each is built, served, searched, and changed."""

import abc
import contextlib
import functools
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.server_process import free_port, serving_process
from benchmarks.soak.memory import resident_mebibytes
from benchmarks.soak.server import bundle_server
from fitrank_tf.client import SearchClient
from fitrank_tf.client.engine.engine_client import EngineSearchClient
from fitrank_tf.client.engine.layout import EMBEDDING, ENGINE_MODEL
from fitrank_tf.client.engine.milvus import Deadline, Milvus
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.bundle import BUNDLE_FILE, next_version
from fitrank_tf.export.catalogue_models import export_catalogue
from fitrank_tf.export.engine.collections import EngineCatalogue
from fitrank_tf.export.engine.load import EngineProducts, load_engine, open_engine
from fitrank_tf.export.graphs.served_catalogue import SearchableCatalogue
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.retrieval.exact_index import ExactIndex
from fitrank_tf.retrieval.scann_index import ScannIndex

_READY_SECONDS = 600.0
# Seconds of one search, and of one call of the engine.
_SEARCH_SECONDS, _ENGINE_SECONDS = 120.0, 600.0


class System(abc.ABC):
    """A search of a catalogue.

    Args:
        bundle: a folder with a bundle, which is changed.
        catalogue: what is searched.
        folder: for files and logs.
    """

    def __init__(self, bundle: Path, catalogue: SearchableCatalogue, folder: Path):
        self.bundle, self.catalogue, self.folder = bundle, catalogue, folder

    @abc.abstractmethod
    def build(self) -> None:
        """Writes all that a search needs."""

    @abc.abstractmethod
    def serve(self) -> contextlib.AbstractContextManager[SearchClient]:
        """Serves it; gives a client of it."""

    @abc.abstractmethod
    def memory(self) -> tuple[float, float]:
        """MiB of the model server and of the engine, while it is served."""

    @abc.abstractmethod
    def upsert(self, products: SearchableCatalogue) -> None:
        """Adds products; it is served, and has them when this returns or soon after."""

    @abc.abstractmethod
    def nearest(self, queries: np.ndarray, k: int) -> Sequence[Sequence[int]]:
        """Rows of the nearest products of embeddings [Q, D], while it is served."""


class InGraph(System):
    """`search` or `search_scann`: the catalogue is part of the served graph."""

    model = "search"
    index: type[ExactIndex] | type[ScannIndex] = ExactIndex

    def build(self) -> None:
        self._export(self.catalogue)

    @contextlib.contextmanager
    def serve(self) -> Iterator[SearchClient]:
        with bundle_server(self.bundle, [self.model], self.folder) as (address, process):
            self._pid = process.pid
            with SearchClient(address, self.model, _SEARCH_SECONDS) as client:
                yield client

    def memory(self) -> tuple[float, float]:
        return resident_mebibytes(self._pid), 0.0

    def upsert(self, products: SearchableCatalogue) -> None:
        self._export(self.catalogue.with_products(products))

    def nearest(self, queries: np.ndarray, k: int) -> Sequence[Sequence[int]]:
        index = self.index(self.catalogue.tables.embeddings)
        return index.search(queries, k).positions.tolist()

    def _export(self, catalogue: SearchableCatalogue) -> None:
        info = LoadedBundle(self.bundle).info
        version = next_version(self.bundle)
        export_catalogue(
            self.bundle, catalogue, version, info.list_size, info.facets, [self.model]
        )


class InGraphScann(InGraph):
    """As `InGraph`, with ScaNN."""

    model = "search_scann"
    index = ScannIndex


class MilvusFlat(System):
    """Products in Milvus Lite, in a process of its own; exact."""

    index_type = "FLAT"

    def build(self) -> None:
        with self._engine() as engine:
            products = EngineProducts.of(self.catalogue)
            load_engine(self.bundle, engine, products, self.index_type)

    @contextlib.contextmanager
    def serve(self) -> Iterator[SearchClient]:
        with (
            self._engine() as engine,
            bundle_server(self.bundle, [ENGINE_MODEL], self.folder) as (address, process),
        ):
            self._pid = process.pid
            with EngineSearchClient(engine.uri, address, _SEARCH_SECONDS) as client:
                yield client

    def memory(self) -> tuple[float, float]:
        return resident_mebibytes(self._pid), resident_mebibytes(self._engine_pid)

    def upsert(self, products: SearchableCatalogue) -> None:
        self._products.upsert(products)

    def delete(self, ids: Sequence[str]) -> None:
        """Removes products; it is served."""
        self._products.delete(ids)

    @functools.cached_property
    def _products(self) -> EngineCatalogue:
        return open_engine(self.bundle, self._connected)

    def nearest(self, queries: np.ndarray, k: int) -> Sequence[Sequence[int]]:
        deadline = Deadline(_ENGINE_SECONDS)
        collection = self._connected.collection(self._products.alias, deadline)
        return [
            [int(product.id) for product in found]
            for query in queries
            for found in self._connected.search(
                collection, EMBEDDING, [query], k, "", deadline
            )
        ]

    @contextlib.contextmanager
    def _engine(self) -> Iterator[Milvus]:
        port = free_port()
        engine = Milvus(f"http://127.0.0.1:{port}")

        def is_ready() -> bool:
            with contextlib.suppress(FitRankError):
                engine.call(lambda client: client.list_collections(), Deadline(5.0))
                return True
            return False

        command = ["milvus_lite", "server", "--data-dir", str(self.folder / "engine")]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        log = self.folder / "engine.log"
        with serving_process(
            "engine", command, log, is_ready, _READY_SECONDS, {}
        ) as process:
            self._engine_pid, self._connected = process.pid, engine
            yield engine
            engine.close()


class MilvusHnsw(MilvusFlat):
    """As `MilvusFlat`, with an approximate index."""

    index_type = "HNSW"


SYSTEMS: dict[str, type[System]] = {
    "in the graph, exact": InGraph,
    "in the graph, ScaNN": InGraphScann,
    "Milvus Lite, FLAT": MilvusFlat,
    "Milvus Lite, HNSW": MilvusHnsw,
}


@contextlib.contextmanager
def linked_bundle(bundle: Path, folder: Path) -> Iterator[Path]:
    """A copy of a bundle whose files are links, to be changed, and removed at the end."""
    copy = folder / "bundle"
    shutil.copytree(bundle, copy, copy_function=_link)
    # Its lock is its own.
    (copy / BUNDLE_FILE).unlink()
    shutil.copy(bundle / BUNDLE_FILE, copy / BUNDLE_FILE)
    try:
        yield copy
    finally:
        shutil.rmtree(copy)


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)
