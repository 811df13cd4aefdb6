"""Milvus as an engine: an embedded one in a file, or a cluster by its address."""

import contextlib
import logging
import logging.config
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import grpc
import numpy as np

from fitrank_tf.client.engine.layout import (
    EMBEDDING,
    ID,
    KINDS,
    POSITION,
    PRODUCT,
    TITLE,
    TITLE_TERMS,
    attribute_field,
    attribute_of,
)
from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.core.packages import imports_of


@contextlib.contextmanager
def _logging_kept() -> Iterator[None]:
    """Context in which nobody configures logging: pymilvus does when it is imported, and
    that closes the handlers of all others."""
    configure = logging.config.dictConfig
    logging.config.dictConfig = lambda config: None
    try:
        yield
    finally:
        logging.config.dictConfig = configure


with imports_of("milvus"), _logging_kept():
    from pymilvus import MilvusClient
    from pymilvus.exceptions import MilvusException

# Milvus's codes of a collection that is not there, and of one that is not in memory.
_NOT_FOUND, _NOT_LOADED = 100, 101
_KIND_OF = {kind: name for name, kind in KINDS.items()}

# pymilvus pings every 10 s, for which servers with gRPC's defaults, as the embedded
# engine's, close the connection.
_OPTIONS = {"grpc.keepalive_time_ms": 300_000}

T = TypeVar("T")

# Failures are raised, and told once.
for _name in ("pymilvus", "milvus_lite.server_manager"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)
# pymilvus asks the embedded engine for a method that it does not have, and goes on.
logging.getLogger("grpc._server").addFilter(
    lambda record: "Method not implemented" not in record.getMessage()
)


def read_token(path: str) -> str:
    """The token in a file, "user:password" or an API key; "" for no file.

    Raises:
        FitRankError: it cannot be read.
    """
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FitRankError(f"token {path}: cannot be read ({error})") from error


class Deadline:
    """The time by which something has to be done.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float):
        self.seconds, self._end = seconds, time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, 0 at least."""
        return max(0.0, self._end - time.monotonic())


class EngineError(FitRankError):
    """An engine that cannot be reached, refuses, or does not answer in time."""


class NoCollectionError(EngineError):
    """An engine that has no such collection, or no more."""


class Collection(NamedTuple):
    """What a search has to know of a collection.

    Attributes:
        name: or an alias.
        kinds: {attribute: its kind}, by the served model's names.
        index_type: of the embeddings' index.
    """

    name: str
    kinds: Mapping[str, str]
    index_type: str

    @property
    def numbers(self) -> list[str]:
        """The attributes that are numbers."""
        return [name for name, kind in self.kinds.items() if kind == "number"]


class Found(NamedTuple):
    """A product that an engine found.

    Attributes:
        id: the shop's.
        position: orders products of equal scores.
        score: inner product.
        title: its title.
        embedding: float32 [D].
        product: float32 [W].
        title_terms: {term: weight}.
        numbers: {attribute: number, NaN for none}.
    """

    id: str
    position: int
    score: float
    title: str
    embedding: np.ndarray
    product: np.ndarray
    title_terms: Mapping[int, float]
    numbers: Mapping[str, float]


class Milvus:
    """A connection, made with the first call and mended by itself.

    Args:
        uri: a file that ends in ".db" for the embedded engine, which one process at a time
            can open, or a cluster's address such as "http://localhost:19530".
        token: "user:password" or an API key of a cluster.
    """

    def __init__(self, uri: str, token: str = ""):
        self.uri, self._token = uri, token
        self._lock = threading.Lock()
        self._client: MilvusClient | None = None
        self._known: dict[str, Collection] = {}

    @property
    def is_embedded(self) -> bool:
        """Whether the engine runs in this process."""
        return self.uri.endswith(".db")

    def close(self) -> None:
        """Closes the connection."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def call(self, run: Callable[[MilvusClient], T], deadline: Deadline) -> T:
        """Runs calls of pymilvus.

        Args:
            run: is given the connected client.
            deadline: for the message.

        Raises:
            NoCollectionError: the collection is not there.
            EngineError: any other failure.
        """
        if not deadline.left():
            raise self._failure("no time was left", deadline)
        try:
            return run(self._connected(deadline))
        except MilvusException as error:
            text = " ".join(str(error.message).split())
            if error.code == _NOT_FOUND:
                raise NoCollectionError(f"the engine at {self.uri}: {text}") from error
            raise self._failure(text, deadline) from error
        except (grpc.RpcError, grpc.FutureTimeoutError, OSError) as error:
            raise self._failure(first_line(error), deadline) from error

    def collection(self, name: str, deadline: Deadline) -> Collection:
        """What is known of a collection, asked once.

        Args:
            name: or an alias.
            deadline: for an answer.

        Raises:
            EngineError: as `call`.
        """
        if name not in self._known:
            timeout = deadline.left()
            fields, index = self.call(
                lambda client: (
                    client.describe_collection(name, timeout=timeout)["fields"],
                    client.describe_index(name, EMBEDDING, timeout=timeout),
                ),
                deadline,
            )
            kinds = {
                attribute: _KIND_OF[field["type"].name]
                for field in fields
                if (attribute := attribute_of(field["name"])) is not None
            }
            index_type = (index or {}).get("index_type", "")
            self._known[name] = Collection(name, kinds, index_type)
        return self._known[name]

    def search(
        self,
        collection: Collection,
        field: str,
        vectors: Sequence[Any],
        limit: int,
        admitted: str,
        deadline: Deadline,
    ) -> list[list[Found]]:
        """The products of the largest inner products with some vectors.

        Args:
            collection: by `collection`.
            field: `EMBEDDING` or `TITLE_TERMS`.
            vectors: float32 [D] each, or {term: weight} each, at least one.
            limit: how many products for each.
            admitted: an expression, "" for all products.
            deadline: for the answer.

        Returns:
            For each vector its products, best first, ties by position.

        Raises:
            EngineError: as `call`.
        """
        output = _output(collection)
        found = self._search(collection, field, vectors, limit, admitted, output, deadline)
        return [
            _in_order(
                _found({ID: hit[ID], **hit["entity"]}, hit["distance"], collection.numbers)
                for hit in hits
            )
            for hits in found
        ]

    def best(
        self,
        collection: Collection,
        terms: Sequence[Mapping[int, float]],
        limit: int,
        admitted: str,
        deadline: Deadline,
    ) -> list[list[tuple[float, int, str]]]:
        """As `search` by titles, but only scores, positions and ids, best first."""
        output = [POSITION]
        found = self._search(
            collection, TITLE_TERMS, terms, limit, admitted, output, deadline
        )
        return [
            sorted(
                ((hit["distance"], hit["entity"][POSITION], hit[ID]) for hit in hits),
                key=lambda of: (-of[0], of[1]),
            )
            for hits in found
        ]

    def products(
        self, collection: Collection, ids: Sequence[str], deadline: Deadline
    ) -> dict[str, Found]:
        """Products by id, those that are there; their scores are 0."""
        output = [ID, *_output(collection)]
        rows = self._read(
            lambda client: client.get(
                collection.name,
                list(ids),
                output_fields=output,
                timeout=deadline.left(),
            ),
            collection,
            deadline,
        )
        return {row[ID]: _found(row, 0.0, collection.numbers) for row in rows}

    def _search(
        self,
        collection: Collection,
        field: str,
        vectors: Sequence[Any],
        limit: int,
        admitted: str,
        output: Sequence[str],
        deadline: Deadline,
    ) -> Any:
        is_sparse = field == TITLE_TERMS
        params = {} if is_sparse else search_params(collection.index_type, limit)
        return self._read(
            lambda client: client.search(
                collection.name,
                data=list(vectors),
                anns_field=field,
                filter=admitted,
                limit=limit,
                output_fields=list(output),
                search_params={"metric_type": "IP", "params": params},
                timeout=deadline.left(),
            ),
            collection,
            deadline,
        )

    def _read(
        self, run: Callable[[MilvusClient], T], collection: Collection, deadline: Deadline
    ) -> T:
        """As `call`, of a collection that may have to be loaded into memory first: the
        embedded engine has none there when it starts."""

        def loaded(client: MilvusClient) -> T:
            try:
                return run(client)
            except MilvusException as error:
                if error.code != _NOT_LOADED:
                    raise
            client.load_collection(collection.name, timeout=deadline.left())
            return run(client)

        try:
            return self.call(loaded, deadline)
        except EngineError:
            # An alias may have another collection by now, with another index.
            self._known.pop(collection.name, None)
            raise

    def _connected(self, deadline: Deadline) -> MilvusClient:
        with self._lock:
            if self._client is None:
                self._client = MilvusClient(
                    self.uri,
                    token=self._token,
                    timeout=deadline.left(),
                    grpc_options=_OPTIONS,
                )
            return self._client

    def _failure(self, text: str, deadline: Deadline) -> EngineError:
        if not deadline.left():
            return EngineError(
                f"the engine at {self.uri} did not answer within {deadline.seconds:g} s "
                f"({text}): check that it runs, or give a longer timeout"
            )
        mend = "check that it runs, and its address"
        if self.is_embedded:
            mend = "check that no other process has the file open"
        return EngineError(f"the engine at {self.uri} failed ({text}): {mend}")


def _output(collection: Collection) -> list[str]:
    """The fields of `Found`, but for the id."""
    own = (POSITION, TITLE, EMBEDDING, PRODUCT, TITLE_TERMS)
    return [*own, *map(attribute_field, collection.numbers)]


def search_params(index_type: str, limit: int) -> dict[str, int]:
    """How thoroughly an approximate index searches for so many products.

    Args:
        index_type: Milvus's name.
        limit: how many products.
    """
    if index_type.startswith("HNSW"):
        return {"ef": max(4 * limit, 256)}
    if index_type.startswith("IVF"):
        return {"nprobe": _PROBES}
    if index_type == "SCANN":
        return {"nprobe": _PROBES, "reorder_k": 10 * limit}
    return {}


# Lists that are searched.
_PROBES = 32


def index_params(index_type: str, num_products: int) -> dict[str, int | bool]:
    """How an index is built.

    Args:
        index_type: Milvus's name.
        num_products: about how many products it will have.
    """
    if index_type.startswith("HNSW"):
        return {"M": 32, "efConstruction": 256}
    lists = {"nlist": max(1, min(65_536, 4 * math.isqrt(num_products)))}
    if index_type.startswith("IVF"):
        return lists
    return {**lists, "with_raw_data": True} if index_type == "SCANN" else {}


def _found(row: Mapping[str, Any], score: float, numbers: Sequence[str]) -> Found:
    fields = {name: row[attribute_field(name)] for name in numbers}
    return Found(
        row[ID],
        row[POSITION],
        score,
        row[TITLE],
        np.asarray(row[EMBEDDING], np.float32),
        np.asarray(row[PRODUCT], np.float32),
        row[TITLE_TERMS],
        {name: math.nan if of is None else of for name, of in fields.items()},
    )


def _in_order(found: Any) -> list[Found]:
    return sorted(found, key=lambda product: (-product.score, product.position))
