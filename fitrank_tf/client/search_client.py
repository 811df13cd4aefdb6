"""A client of the served models, over gRPC."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.message import Message
from tensorflow_serving.apis import prediction_service_pb2_grpc
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    SignatureDefMap,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from fitrank_tf.client.channel import DEFAULT_ADDRESS, PLAIN, Security, open_channel
from fitrank_tf.client.hits import Hit, check_top_k, read_hits
from fitrank_tf.core.attribute_names import known_name
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import FilterValue, filter_text
from fitrank_tf.core.photos.query import Photo, clean_queries

SEARCH, SIMILAR = "search", "similar"
_OUTPUTS = ("ids", "titles", "scores")
_FILTERED, _EXPLAINED = "filtered", "explained"
_UNDERSTOOD = "understood"
_NO_FILTERS: Mapping[str, FilterValue] = {}


class SearchClient:
    """Sends queries and photos to served `search` and `similar` models.

    Example:
        with SearchClient("localhost:8500") as client:
            [hits] = client.search(["red check shirt"], filters={"gender": "Men"})
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        model: str = SEARCH,
        timeout: float = 10.0,
        label: str = "",
        security: Security = PLAIN,
    ) -> None:
        """Opens a channel; the first search connects.

        Args:
            address: host:port of the server.
            model: the search model's name in the server's configuration.
            timeout: seconds for one search, retries included.
            label: which version, as `stable`; "" for the newest.
            security: certificates and token.

        Raises:
            FitRankError: one of these cannot be used.
        """
        if not (math.isfinite(timeout) and timeout > 0):
            raise FitRankError(f"timeout {timeout}: give a number of seconds above 0")
        self._address, self._model, self._label = address, model, label
        self._timeout = timeout
        self._metadata = security.metadata()
        self._channel = open_channel(address, security)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._known_inputs: dict[str, frozenset[str]] = {}

    def __enter__(self) -> "SearchClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the channel; the client cannot be used any more."""
        self._channel.close()

    def search(
        self,
        queries: Sequence[str],
        top_k: int = 10,
        filters: Mapping[str, FilterValue] = _NO_FILTERS,
        outputs: Sequence[str] = (),
    ) -> list[list[Hit]]:
        """Searches for several queries in one call.

        Args:
            queries: the texts.
            top_k: the most hits wanted for a query; the model's own limit holds too.
            filters: {attribute: filter} for all queries: a text as in `core.filters`, a
                list of values, or a `Range`.
            outputs: what is wanted beside ids, titles and scores: `explanations`.

        Returns:
            For each query its hits, best first.

        Raises:
            FitRankError: the server cannot be reached or refuses the request, or a filter
                is none that the model knows.
        """
        if isinstance(queries, str):
            raise FitRankError(f"queries {queries!r}: give a list of texts, not one text")
        if not queries:
            return []
        inputs = {"query": [query.encode(errors="replace") for query in queries]}
        signature = _EXPLAINED if outputs else _FILTERED if filters else ""
        wanted = (*_OUTPUTS, *outputs)
        request = self._request(self._model, signature, inputs, filters, wanted)
        return self._hits(request, len(queries), top_k)

    def understand(self, queries: Sequence[str]) -> list[str]:
        """What a search reads queries as: "colour not Black; article type Tshirts".

        Raises:
            FitRankError: as for `search`.
        """
        if not queries:
            return []
        inputs = {"query": [query.encode(errors="replace") for query in queries]}
        request = self._request(
            self._model, _EXPLAINED, inputs, _NO_FILTERS, (_UNDERSTOOD,)
        )
        response = self._call(self._stub.Predict, request, self._model)
        said = tf.make_ndarray(response.outputs[_UNDERSTOOD])
        return [text.decode(errors="replace") for text in said.tolist()]

    def similar(
        self,
        images: Sequence[Photo],
        text: str = "",
        top_k: int = 10,
        filters: Mapping[str, FilterValue] = _NO_FILTERS,
    ) -> list[list[Hit]]:
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
        if not len(images):
            return []
        inputs = {"image": clean_queries(images)}
        signature = _FILTERED if text.strip() or filters else ""
        if signature:
            inputs["text"] = [text.encode(errors="replace")] * len(images)
        request = self._request(SIMILAR, signature, inputs, filters)
        return self._hits(request, len(images), top_k)

    def _request(
        self,
        model: str,
        signature: str,
        inputs: Mapping[str, list[bytes]],
        filters: Mapping[str, FilterValue],
        outputs: Sequence[str] = _OUTPUTS,
    ) -> PredictRequest:
        # The filter spares the bytes of other outputs, and makes the server say so if the
        # model is no search model.
        request = PredictRequest(model_spec=self._spec(model), output_filter=outputs)
        request.model_spec.signature_name = signature
        if signature:
            inputs = {**inputs, **self._filter_inputs(model, inputs, filters)}
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values, dtype=tf.string))
        return request

    def _hits(self, request: PredictRequest, batch: int, top_k: int) -> list[list[Hit]]:
        check_top_k(top_k)
        model = request.model_spec.name
        response = self._call(self._stub.Predict, request, model)
        arrays = {
            name: tf.make_ndarray(response.outputs[name]) for name in request.output_filter
        }
        self._check_shapes(arrays, batch, model)
        return [
            read_hits({name: array[row] for name, array in arrays.items()}, top_k)
            for row in range(batch)
        ]

    def _spec(self, model: str) -> ModelSpec:
        if self._label:
            return ModelSpec(name=model, version_label=self._label)
        return ModelSpec(name=model)

    def _filter_inputs(
        self,
        model: str,
        inputs: Mapping[str, list[bytes]],
        filters: Mapping[str, FilterValue],
    ) -> dict[str, list[bytes]]:
        """Every filter that the model has, those that are not set as ""."""
        batch = len(next(iter(inputs.values())))
        known = self.filter_names(model) - set(inputs)
        filters = {known_name(name, known): value for name, value in filters.items()}
        unknown = sorted(set(filters) - known)
        if unknown:
            raise FitRankError(
                f"filter '{unknown[0]}': model '{model}' at {self._address} filters by "
                f"{', '.join(sorted(known)) or 'nothing'}"
            )
        texts = {name: filter_text(filters.get(name, "")) for name in known}
        return {
            name: [text.encode(errors="replace")] * batch for name, text in texts.items()
        }

    def filter_names(self, model: str = SEARCH) -> frozenset[str]:
        """What a served model can filter by; asked of the server once.

        Raises:
            FitRankError: as for `search`.
        """
        if model not in self._known_inputs:
            request = GetModelMetadataRequest(
                model_spec=self._spec(model), metadata_field=["signature_def"]
            )
            response = self._call(self._stub.GetModelMetadata, request, model)
            signatures = SignatureDefMap()
            response.metadata["signature_def"].Unpack(signatures)
            inputs = signatures.signature_def[_FILTERED].inputs
            self._known_inputs[model] = frozenset(inputs) - {"query", "image", "text"}
        return self._known_inputs[model]

    def _call(self, method: Callable[..., Any], request: Message, model: str) -> Any:
        try:
            return method(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise FitRankError(self._explain(error, model)) from error

    def _check_shapes(
        self, arrays: Mapping[str, np.ndarray], batch: int, model: str
    ) -> None:
        """Refuses anything but [batch, k]."""
        shapes = [array.shape for array in arrays.values()]
        if len(set(shapes)) > 1 or len(shapes[0]) != 2 or shapes[0][0] != batch:
            raise FitRankError(
                f"{self._address}: model '{model}' answers {batch} queries with "
                f"{tuple(arrays)} of the shapes {shapes}: export it again"
            )

    def _explain(self, error: grpc.RpcError, model: str) -> str:
        """What a status code means to a user, with the mend, in one line."""
        code, details = error.code(), " ".join((error.details() or "").split())
        if code is grpc.StatusCode.UNAVAILABLE:
            return (
                f"no server answers at {self._address} ({details}): start one with "
                "`make serve`, or give its --address"
            )
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return (
                f"{self._address} did not answer within {self._timeout:g} s: check "
                "--address, or give a longer --timeout"
            )
        if code is grpc.StatusCode.NOT_FOUND:
            return (
                f"{self._address} serves no model '{model}' ({details}): give "
                "another --model, or add it to the server's models.config"
            )
        if code is grpc.StatusCode.UNAUTHENTICATED:
            return (
                f"{self._address} does not know the token ({details}): give the server's "
                "--auth_token_file"
            )
        return (
            f"{self._address} refused the search of model '{model}' "
            f"({code.name}: {details}): check --model, or send fewer queries at once"
        )
