"""Searches over gRPC: `python -m serving.client "red check shirt"`.

Speaks TF-Serving's `Predict`, so it serves the local server and a real one alike.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import TracebackType

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_service_pb2_grpc
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from fitrank_tf.errors import FitRankError

DEFAULT_ADDRESS = "localhost:8500"
_MAX_PORT = 65535
_OUTPUTS = ("ids", "titles", "scores")

# gRPC's own limit is 4 MiB, which a large batch of answers with titles passes.
_MAX_RECEIVE_BYTES = 64 * 1024 * 1024

# gRPC retries by itself, with jitter, and never past the deadline of the call.
_RETRY_ON_UNAVAILABLE = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{"service": "tensorflow.serving.PredictionService"}],
                "retryPolicy": {
                    "maxAttempts": 5,
                    "initialBackoff": "0.2s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_RECEIVE_BYTES),
    ("grpc.service_config", _RETRY_ON_UNAVAILABLE),
    # A retry is of use only if the connection too is tried again by then.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


@dataclass(frozen=True)
class Hit:
    """One product of an answer.

    Attributes:
        rank: 1 for the best.
        id: the shop's product id.
        title: its title.
        score: the model's score; higher is better, comparable within one answer only.
    """

    rank: int
    id: str
    title: str
    score: float


class SearchClient:
    """Sends queries to a served `search` model.

    Example:
        with SearchClient("localhost:8500") as client:
            [hits] = client.search(["red check shirt"], top_k=5)
    """

    def __init__(
        self, address: str = DEFAULT_ADDRESS, model: str = "search", timeout: float = 10.0
    ) -> None:
        """Opens a channel; the first search connects.

        Args:
            address: host:port of the server.
            model: the model's name in the server's configuration.
            timeout: seconds for one search, retries included.

        Raises:
            FitRankError: the address or the timeout cannot be used.
        """
        _check_address(address)
        if not (math.isfinite(timeout) and timeout > 0):
            raise FitRankError(f"timeout {timeout}: give a number of seconds above 0")
        self._address = address
        self._model = model
        self._timeout = timeout
        self._channel = grpc.insecure_channel(address, options=_CHANNEL_OPTIONS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

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

    def search(self, queries: Sequence[str], top_k: int = 10) -> list[list[Hit]]:
        """Searches for several queries in one call.

        Args:
            queries: the texts.
            top_k: the most hits wanted for a query; the model's own limit holds too.

        Returns:
            For each query its hits, best first.

        Raises:
            FitRankError: the server cannot be reached or refuses the request.
        """
        if isinstance(queries, str):
            raise FitRankError(f"queries {queries!r}: give a list of texts, not one text")
        if top_k < 1:
            raise FitRankError(f"top_k {top_k}: give at least 1")
        if not queries:
            return []
        response = self._predict(self._request(queries))
        ids, titles, scores = self._arrays(response, len(queries))
        return [_hits(*row, top_k) for row in zip(ids, titles, scores)]

    def _request(self, queries: Sequence[str]) -> PredictRequest:
        # The filter spares the bytes of other outputs, and makes the server say so if
        # the model is no search model.
        request = PredictRequest(output_filter=_OUTPUTS)
        request.model_spec.name = self._model
        request.inputs["query"].CopyFrom(
            tf.make_tensor_proto(
                [query.encode(errors="replace") for query in queries], dtype=tf.string
            )
        )
        return request

    def _predict(self, request: PredictRequest) -> PredictResponse:
        try:
            return self._stub.Predict(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise FitRankError(self._explain(error)) from error

    def _arrays(self, response: PredictResponse, batch: int) -> list[np.ndarray]:
        """The outputs, each [batch, k]."""
        arrays = [tf.make_ndarray(response.outputs[name]) for name in _OUTPUTS]
        shapes = [array.shape for array in arrays]
        if len(set(shapes)) > 1 or len(shapes[0]) != 2 or shapes[0][0] != batch:
            raise FitRankError(
                f"{self._address}: model '{self._model}' answers {batch} queries with "
                f"{_OUTPUTS} of the shapes {shapes}: export it again"
            )
        return arrays

    def _explain(self, error: grpc.RpcError) -> str:
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
                f"{self._address} serves no model '{self._model}' ({details}): give "
                "another --model, or add it to the server's models.config"
            )
        return (
            f"{self._address} refused the search of model '{self._model}' "
            f"({code.name}: {details}): check --model, or send fewer queries at once"
        )


def _check_address(address: str) -> None:
    host, _, port = address.rpartition(":")
    valid_port = port.isascii() and port.isdigit() and 0 < int(port) <= _MAX_PORT
    if not host or not valid_port or any(c.isspace() or c == "/" for c in host):
        raise FitRankError(
            f"address '{address}': write it as host:port, as {DEFAULT_ADDRESS}"
        )


def _hits(ids: np.ndarray, titles: np.ndarray, scores: np.ndarray, top_k: int) -> list[Hit]:
    """The hits of one query; [k] each, and "" ids are padding."""
    found = [index for index, item_id in enumerate(ids) if item_id][:top_k]
    return [
        Hit(
            rank=rank,
            id=ids[index].decode(errors="replace"),
            title=titles[index].decode(errors="replace"),
            score=float(scores[index]),
        )
        for rank, index in enumerate(found, start=1)
    ]


def format_table(hits: Sequence[Hit]) -> str:
    """Aligned columns: rank, id, score, title."""
    rows = [("rank", "id", "score", "title")]
    rows += [(str(hit.rank), hit.id, f"{hit.score:.4f}", hit.title) for hit in hits]
    rank, item_id, score, _ = (max(map(len, column)) for column in zip(*rows))
    return "\n".join(
        f"{row[0]:>{rank}}  {row[1]:<{item_id}}  {row[2]:>{score}}  {row[3]}"
        for row in rows
    )


def format_json_lines(hits: Sequence[Hit]) -> str:
    """One JSON object a hit."""
    return "\n".join(json.dumps(asdict(hit), ensure_ascii=False) for hit in hits)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the answer to one query and returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        with SearchClient(arguments.address, arguments.model, arguments.timeout) as client:
            [hits] = client.search([arguments.query], arguments.top_k)
    except FitRankError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if hits:
        print(format_json_lines(hits) if arguments.json else format_table(hits))
    else:
        print(f"no product found for '{arguments.query}'", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving.client", description=__doc__)
    parser.add_argument("query", help="what to look for")
    parser.add_argument(
        "--address", default=DEFAULT_ADDRESS, help="host:port (default: %(default)s)"
    )
    parser.add_argument(
        "--model", default="search", help="the served model (default: %(default)s)"
    )
    parser.add_argument(
        "--top_k", type=int, default=10, help="the most hits wanted (default: %(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=10.0, help="seconds to wait (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a hit")
    return parser


if __name__ == "__main__":
    sys.exit(main())
