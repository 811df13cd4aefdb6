"""Clients of the served models, over gRPC."""

import asyncio
import functools
import math
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import grpc

from fitrank_tf.client.channel import (
    DEFAULT_ADDRESS,
    PLAIN,
    Connection,
    Security,
    failure,
)
from fitrank_tf.client.hits import Answer
from fitrank_tf.client.searches import NO_FILTERS, SEARCH, Call, Exchange, Searches
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import FilterValue

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fitrank_tf.core.photos.query import Photo

T = TypeVar("T")
_Error = type[BaseException] | None


class _Client:
    """What both clients have: the operations, the connection and the deadline."""

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        model: str = SEARCH,
        timeout: float = 10.0,
        label: str = "",
        security: Security = PLAIN,
    ) -> None:
        """The first search connects.

        Args:
            address: host:port of the server, or of several with commas between them: calls
                go to each in turn, and to the others where one does not answer.
            model: the search model's name in the server's configuration.
            timeout: seconds for one search, retries included.
            label: which version, as `stable`; "" for the newest.
            security: certificates and token.

        Raises:
            FitRankError: one of these cannot be used.
        """
        if not (math.isfinite(timeout) and timeout > 0):
            raise FitRankError(f"timeout {timeout}: give a number of seconds above 0")
        self._timeout = timeout
        self._connection = Connection(address, security)
        self._searches = Searches(address, model, label)

    @functools.cached_property
    def _channel(self) -> Any:
        return self._connection.open(grpc)

    def _call(self, call: Call, deadline: float) -> Any:
        """Starts a call, of which at most what is left of the time may be used."""
        method = self._channel.unary_unary(
            call.method.path,
            request_serializer=type(call.request).SerializeToString,
            response_deserializer=call.method.response.FromString,
        )
        left = max(0.0, deadline - time.monotonic())
        return method(call.request, timeout=left, metadata=self._connection.metadata)

    def _failure(self, error: grpc.RpcError, call: Call) -> FitRankError:
        failed = failure(error, self._connection.address, call.model, self._timeout)
        failed.__cause__ = error
        return failed


class SearchClient(_Client):
    """Sends queries and photos to served `search` and `similar` models.

    Example:
        with SearchClient("localhost:8500") as client:
            [answer] = client.search(["red check shirt"], filters={"gender": "Men"})
            for hit in answer:
                print(hit.id, hit.title)
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: _Error, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel; the client cannot be used any more."""
        self._channel.close()

    def search(
        self,
        queries: Sequence[str],
        top_k: int = 10,
        filters: Mapping[str, FilterValue] = NO_FILTERS,
        explain: bool = False,
    ) -> list[Answer]:
        """Searches for several queries in one call.

        The first search also asks the server what the model's inputs are, and only as many
        products are sent as are wanted, where the model can cut its lists.

        Args:
            queries: the texts.
            top_k: the most hits wanted for a query; the model's own limit holds too.
            filters: {attribute: filter} for all queries: a text as in `core.filters`, a
                list of values, or a `Range`.
            explain: whether to ask also what was understood, and what speaks for each
                product, of a model that gives it.

        Returns:
            For each query its hits, best first.

        Raises:
            FitRankError: the server cannot be reached or refuses the request, or a filter
                is none that the model knows.
        """
        return self._run(self._searches.search(queries, top_k, filters, explain))

    def similar(
        self,
        images: Sequence["Photo"],
        text: str = "",
        top_k: int = 10,
        filters: Mapping[str, FilterValue] = NO_FILTERS,
    ) -> list[Answer]:
        """Finds products like photos, in one call.

        Args:
            images: each a path or an address, the bytes of an image file in any format
                that Pillow reads, or RGB pixels, uint8 [H, W, 3]. They are cleaned here as
                a catalogue's photos are.
            text: what the products should be otherwise, as "in red".
            top_k: the most hits wanted for a photo.
            filters: as for `search`.

        Returns:
            For each photo its hits, best first.

        Raises:
            FitRankError: as for `search`; and says which photo cannot be read, and why.
        """
        cleaned = _cleaned(images)
        return self._run(self._searches.similar(cleaned, text, top_k, filters))

    def predict(
        self,
        model: str,
        inputs: Mapping[str, "npt.ArrayLike"],
        signature: str = "serving_default",
        outputs: Sequence[str] = (),
    ) -> dict[str, "np.ndarray"]:
        """Runs any served model, such as `query_encoder`.

        Args:
            model: its name in the server's configuration.
            inputs: {input: array, or lists}, texts as str or bytes; converted to the
                input's type where no value is lost but digits.
            signature: one of the model's.
            outputs: which are wanted; all without.

        Returns:
            {output: array}, texts as bytes.

        Raises:
            FitRankError: as for `search`; and for an unknown signature or input, or values
                of another type.
        """
        return self._run(self._searches.predict(model, inputs, signature, outputs))

    def filter_names(self, model: str = SEARCH) -> frozenset[str]:
        """What a served model can filter by; asked of the server once.

        Raises:
            FitRankError: as for `search`.
        """
        return self._run(self._searches.filter_names(model))

    def versions(self, model: str = SEARCH) -> dict[int, str]:
        """{version: state} of a model, as AVAILABLE or LOADING.

        Raises:
            FitRankError: as for `search`.
        """
        return self._run(self._searches.versions(model))

    def _run(self, exchange: Exchange[T], seconds: float = math.inf) -> T:
        """Makes the calls of an operation, in the client's time or in less."""
        deadline = time.monotonic() + min(seconds, self._timeout)
        try:
            call = next(exchange)
            while True:
                try:
                    response = self._call(call, deadline)
                except grpc.RpcError as error:
                    call = exchange.throw(self._failure(error, call))
                else:
                    call = exchange.send(response)
        except StopIteration as done:
            return done.value


class AsyncSearchClient(_Client):
    """`SearchClient` for an event loop: the same methods, to be awaited.

    Example:
        async with AsyncSearchClient("localhost:8500") as client:
            [answer] = await client.search(["red check shirt"])
    """

    @functools.cached_property
    def _channel(self) -> Any:
        # Made within the event loop that it then belongs to.
        return self._connection.open(grpc.aio)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: _Error, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the channel; the client cannot be used any more."""
        await self._channel.close()

    async def search(
        self,
        queries: Sequence[str],
        top_k: int = 10,
        filters: Mapping[str, FilterValue] = NO_FILTERS,
        explain: bool = False,
    ) -> list[Answer]:
        """See `SearchClient.search`."""
        return await self._run(self._searches.search(queries, top_k, filters, explain))

    async def similar(
        self,
        images: Sequence["Photo"],
        text: str = "",
        top_k: int = 10,
        filters: Mapping[str, FilterValue] = NO_FILTERS,
    ) -> list[Answer]:
        """See `SearchClient.similar`."""
        cleaned = await asyncio.to_thread(_cleaned, images)
        return await self._run(self._searches.similar(cleaned, text, top_k, filters))

    async def predict(
        self,
        model: str,
        inputs: Mapping[str, "npt.ArrayLike"],
        signature: str = "serving_default",
        outputs: Sequence[str] = (),
    ) -> dict[str, "np.ndarray"]:
        """See `SearchClient.predict`."""
        return await self._run(self._searches.predict(model, inputs, signature, outputs))

    async def filter_names(self, model: str = SEARCH) -> frozenset[str]:
        """See `SearchClient.filter_names`."""
        return await self._run(self._searches.filter_names(model))

    async def versions(self, model: str = SEARCH) -> dict[int, str]:
        """See `SearchClient.versions`."""
        return await self._run(self._searches.versions(model))

    async def _run(self, exchange: Exchange[T]) -> T:
        deadline = time.monotonic() + self._timeout
        try:
            call = next(exchange)
            while True:
                try:
                    response = await self._call(call, deadline)
                except grpc.RpcError as error:
                    call = exchange.throw(self._failure(error, call))
                else:
                    call = exchange.send(response)
        except StopIteration as done:
            return done.value


def _cleaned(images: Sequence["Photo"]) -> list[bytes]:
    # Here, because searches by text need neither Pillow nor NumPy.
    from fitrank_tf.core.photos.query import clean_queries

    return clean_queries(images)
