"""One call for a search around an engine: model server, engine, model server."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fitrank_tf.client.channel import DEFAULT_ADDRESS, PLAIN, NotFoundError, Security
from fitrank_tf.client.engine.layout import (
    DEFAULT_NAME,
    ENGINE_MODEL,
    admits,
    alias_of,
    all_of,
    attribute_field,
)
from fitrank_tf.client.engine.lists import (
    CandidateList,
    CandidateLists,
    Request,
    placed,
    read_requests,
    rerank_inputs,
)
from fitrank_tf.client.engine.milvus import (
    Collection,
    Deadline,
    EngineError,
    Milvus,
    NoCollectionError,
)
from fitrank_tf.client.hits import Answer, Hit
from fitrank_tf.client.search_client import SearchClient
from fitrank_tf.client.searches import NO_FILTERS, check_queries, filter_texts
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import FilterValue

READING, CANDIDATES, RERANKING = "reading the query", "finding candidates", "re-ranking"


class PartError(FitRankError):
    """A search of which one part failed.

    Attributes:
        part: `READING` or `RERANKING`, which the model server does, or `CANDIDATES`, which
            the engine does.
        is_gone: whether a version or its products are not there, or no more.
    """

    def __init__(self, part: str, error: FitRankError):
        super().__init__(f"{part}: {error}")
        self.part = part
        self.is_gone = isinstance(error, NoCollectionError | NotFoundError)


class EngineSearchClient(SearchClient):
    """A `SearchClient` whose text searches find their candidates in an engine.

    Its answers are those of the served `search` model on the same products, if the engine's
    index is exact. A query is read and its candidates are ranked by one version of the
    model `engine_search`, and they come from the products that this version's models
    embedded: versions and collections can be exchanged during searches.

    Example:
        with EngineSearchClient("http://localhost:19530") as client:
            [answer] = client.search(["red check shirt"], filters={"gender": "Men"})
    """

    def __init__(
        self,
        engine: str,
        address: str = DEFAULT_ADDRESS,
        timeout: float = 10.0,
        label: str = "",
        security: Security = PLAIN,
        token: str = "",
        name: str = DEFAULT_NAME,
    ) -> None:
        """The first search connects.

        Args:
            engine: a cluster's address, or a file that ends in ".db".
            address: of the model server, as for `SearchClient`.
            timeout: seconds for one search, all its parts together.
            label: as for `SearchClient`.
            security: of the model server.
            token: "user:password" or an API key of the engine.
            name: of the catalogue in the engine.

        Raises:
            FitRankError: one of these cannot be used.
        """
        super().__init__(address, ENGINE_MODEL, timeout, label, security)
        self._engine, self._name = Milvus(engine, token), name

    def close(self) -> None:
        """Closes both connections."""
        self._engine.close()
        super().close()

    def search(
        self,
        queries: Sequence[str],
        top_k: int = 10,
        filters: Mapping[str, FilterValue] = NO_FILTERS,
        explain: bool = False,
    ) -> list[Answer]:
        """Searches for several queries; see `SearchClient.search`.

        Raises:
            PartError: a part of the search failed, or the time was over.
            FitRankError: an argument cannot be used.
        """
        check_queries(queries, top_k)
        if not queries:
            return []
        deadline = Deadline(self._timeout)
        try:
            return self._search(queries, top_k, filters, explain, deadline)
        except PartError as error:
            if not error.is_gone:
                raise
        # It may have gone while the search was under way: what came in its place answers.
        return self._search(queries, top_k, filters, explain, deadline)

    def filter_names(self, model: str = ENGINE_MODEL) -> frozenset[str]:
        """What searches can filter by.

        Raises:
            PartError: as for `search`.
        """
        if model != ENGINE_MODEL:
            return super().filter_names(model)
        deadline = Deadline(self._timeout)
        read, _ = self._read([""], deadline)
        with _part(CANDIDATES, EngineError):
            return frozenset(self._collection(read, deadline).kinds)

    def _search(
        self,
        queries: Sequence[str],
        top_k: int,
        filters: Mapping[str, FilterValue],
        explain: bool,
        deadline: Deadline,
    ) -> list[Answer]:
        read, version = self._read(queries, deadline)
        requests = read_requests(read)
        with _part(CANDIDATES, EngineError):
            collection = self._collection(read, deadline)
            admitted = self._admitted(filters, collection)
            size = int(read["list_size"][0])
            finder = CandidateLists(self._engine, collection, size, deadline)
            lists = finder.find(requests, admitted)
        sizes = (size, finder.titled_size)
        scored = self._rerank(read, requests, lists, sizes, version, explain, deadline)
        said = read["understood"] if explain else [None] * len(lists)
        return [
            _answer(
                of,
                size,
                top_k,
                {name: of_all[row] for name, of_all in scored.items()},
                text,
            )
            for row, (of, text) in enumerate(zip(lists, said))
        ]

    def _read(
        self, queries: Sequence[str], deadline: Deadline
    ) -> tuple[dict[str, np.ndarray], int]:
        with _part(READING):
            exchange = self._searches.predict_version(ENGINE_MODEL, {"query": queries})
            return self._run(exchange, deadline.left())

    def _collection(self, read: Mapping[str, np.ndarray], deadline: Deadline) -> Collection:
        fingerprint = read["fingerprint"][0].decode()
        alias = alias_of(self._name, fingerprint)
        try:
            return self._engine.collection(alias, deadline)
        except NoCollectionError as error:
            raise NoCollectionError(
                f"the engine at {self._engine.uri} has no products '{self._name}' of the "
                f"models that the server has ({fingerprint[:16]}): load them with "
                "`fitrank load-engine`"
            ) from error

    def _admitted(self, filters: Mapping[str, FilterValue], collection: Collection) -> str:
        known = collection.kinds
        chosen = filter_texts(filters, known, f"the engine at {self._engine.uri}")
        return all_of(
            admits(attribute_field(name), known[name], text)
            for name, text in chosen.items()
        )

    def _rerank(
        self,
        read: Mapping[str, np.ndarray],
        requests: Sequence[Request],
        lists: Sequence[CandidateList],
        sizes: tuple[int, int],
        version: int,
        explain: bool,
        deadline: Deadline,
    ) -> dict[str, np.ndarray]:
        if not any(placed(of, sizes[0]) for of in lists):
            return {}
        inputs = {
            "query": read["embedding"],
            "query_facets": read["query_facets"],
            "colours": read["colours"],
            **rerank_inputs(requests, lists, sizes),
        }
        signature = "rerank_explained" if explain else "rerank"
        with _part(RERANKING):
            exchange = self._searches.predict_version(
                ENGINE_MODEL, inputs, signature, version
            )
            scored, _ = self._run(exchange, deadline.left())
        return scored


def _answer(
    of: CandidateList,
    list_size: int,
    top_k: int,
    scored: Mapping[str, np.ndarray],
    understood: bytes | None,
) -> Answer:
    scores = scored.get("scores", ())
    best = sorted(placed(of, list_size), key=lambda pair: -scores[pair[0]])
    texts = scored.get("explanations")
    hits = [
        Hit(
            rank,
            product.id,
            product.title,
            float(scores[place]),
            texts[place].decode(errors="replace") if texts is not None else "",
            place + 1,
        )
        for rank, (place, product) in enumerate(best[: min(top_k, list_size)], start=1)
    ]
    return Answer(hits, None if understood is None else understood.decode(errors="replace"))


@contextlib.contextmanager
def _part(part: str, kind: type[FitRankError] = FitRankError) -> Iterator[None]:
    """Context that says which part of a search failed, if it did."""
    try:
        yield
    except kind as error:
        raise PartError(part, error) from error
