"""Clients that search in a closed loop: each waits for a response before the next request.

`python -m benchmarks.serving.search_load FOLDER KIND TARGET SECONDS` is a process of
clients, one thread each. Clients of the kind "saved_model" call the `search` model in their
own process, those of the kinds "grpc" and "http" have one connection each.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.benchmark_process import Operation, serve_operations
from fitrank_tf.core.errors import FitRankError

CLIENTS = (1, 8, 32)

_QUERIES = "queries.json"
_OUTPUTS = ("ids", "titles", "scores")

# A client: searches for a text and returns the decoded response.
Client = Callable[[str], Any]


def save_queries(folder: Path, queries: Sequence[str]) -> None:
    """Writes the queries that the clients read."""
    (folder / _QUERIES).write_text(json.dumps(list(queries)), encoding="utf-8")


def load_operations(
    folder: Path, kind: str, target: str, seconds: str
) -> Mapping[str, Operation]:
    """The operations of the load generator, one for each number of clients.

    Args:
        folder: directory with the queries.
        kind: kind of the clients.
        target: directory of a SavedModel, or an address.
        seconds: duration of an operation, in decimal digits.

    Returns:
        {number of clients: operation}; its result is that of `closed_loop`.
    """
    queries = json.loads((folder / _QUERIES).read_text(encoding="utf-8"))
    connect = _KINDS[kind](target)
    return {
        str(clients): _loading(connect, queries, clients, float(seconds))
        for clients in CLIENTS
    }


def _loading(
    connect: Callable[[], Client], queries: Sequence[str], clients: int, seconds: float
) -> Operation:
    return lambda: closed_loop([connect() for _ in range(clients)], queries, seconds)


def closed_loop(
    clients: Sequence[Client], queries: Sequence[str], seconds: float
) -> np.ndarray:
    """Runs clients concurrently.

    Each starts at another query and cycles through all of them. The first request of each
    client, which connects, does not count.

    Args:
        clients: run in one thread each.
        queries: texts to search for.
        seconds: time after which no request is sent.

    Returns:
        float64 [requests, 2], when each request was sent and its response received, in
        seconds.

    Raises:
        FitRankError: if a request fails.
    """
    ready = threading.Barrier(len(clients))
    times: list[list[tuple[float, float]]] = [[] for _ in clients]
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            search, place = clients[number], number * len(queries) // len(clients)
            search(queries[place])
            ready.wait()
            until = time.perf_counter() + seconds
            while (sent := time.perf_counter()) < until:
                place = (place + 1) % len(queries)
                search(queries[place])
                times[number].append((sent, time.perf_counter()))
        except BaseException as error:
            failures.append(error)
            ready.abort()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        # One line, because errors quote the last line of a process's log.
        reason = " ".join(repr(failures[0]).split())
        raise FitRankError(f"a search failed: {reason}") from failures[0]
    return np.array([pair for client in times for pair in client])


def _saved_model(path: str) -> Callable[[], Client]:
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers the ops of the query encoder

    model = tf.saved_model.load(path)
    name = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY

    def search(query: str) -> list[np.ndarray]:
        # Through the model, because signatures reference their variables weakly.
        found = model.signatures[name](query=tf.constant([query]))
        return [found[name].numpy() for name in _OUTPUTS]

    return lambda: search


def _grpc(address: str) -> Callable[[], Client]:
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis.predict_pb2 import PredictRequest
    from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

    def connect() -> Client:
        # Without a pool of its own a channel would share the others' connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        stub = PredictionServiceStub(grpc.insecure_channel(address, options))

        def search(query: str) -> object:
            request = PredictRequest(output_filter=_OUTPUTS)
            request.model_spec.name = "search"
            text = tf.make_tensor_proto([query.encode()], dtype=tf.string)
            request.inputs["query"].CopyFrom(text)
            return stub.Predict(request, timeout=60.0)

        return search

    return connect


def http_clients(address: str) -> Callable[[], Client]:
    """A factory of clients of the alternative, each with a persistent connection."""
    headers = {"Content-Type": "application/json"}

    def connect() -> Client:
        connection = http.client.HTTPConnection(address, timeout=60.0)

        def search(query: str) -> dict[str, list[Any]]:
            connection.request("POST", "/search", json.dumps({"query": query}), headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != http.HTTPStatus.OK:
                raise FitRankError(f"{address} answers {response.status}: {body[:200]!r}")
            return json.loads(body)

        return search

    return connect


_KINDS = {"saved_model": _saved_model, "grpc": _grpc, "http": http_clients}

if __name__ == "__main__":
    serve_operations(load_operations)
