"""Clients that search in a closed loop: each asks, waits for the answer, asks again.

`python -m benchmarks.serving.search_load FOLDER KIND TARGET SECONDS` is one process of
clients, a thread each. A kind says how a client asks: "saved_model" calls the `search`
model in the clients' own process, "grpc" and "http" have a connection a client.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.benchmark_process import Way, answer_requests
from fitrank_tf.core.errors import FitRankError

CLIENTS = (1, 8, 32)

_QUERIES = "queries.json"
_OUTPUTS = ("ids", "titles", "scores")

# One client: asks a query and returns when the answer is there, decoded.
Ask = Callable[[str], object]


def save_queries(folder: Path, queries: Sequence[str]) -> None:
    """Writes what the clients ask."""
    (folder / _QUERIES).write_text(json.dumps(list(queries)), encoding="utf-8")


def load_ways(folder: Path, kind: str, target: str, seconds: str) -> Mapping[str, Way]:
    """{number of clients: asks for that long}, which makes float64 [requests, 2]: when
    each was sent and answered, in seconds.

    Args:
        folder: with the queries.
        kind: of client.
        target: a SavedModel's folder, or an address.
        seconds: how long.
    """
    queries = json.loads((folder / _QUERIES).read_text(encoding="utf-8"))
    connect = _KINDS[kind](target)
    return {
        str(clients): _loading(connect, queries, clients, float(seconds))
        for clients in CLIENTS
    }


def _loading(
    connect: Callable[[], Ask], queries: Sequence[str], clients: int, seconds: float
) -> Way:
    return lambda: closed_loop([connect() for _ in range(clients)], queries, seconds)


def closed_loop(
    clients: Sequence[Ask], queries: Sequence[str], seconds: float
) -> np.ndarray:
    """Lets clients ask at the same time.

    Each begins at another query and goes through all of them again and again. A first
    request of each, which connects, does not count.

    Args:
        clients: one thread each.
        queries: what to ask.
        seconds: after which nobody asks again.

    Returns:
        float64 [requests, 2], when each was sent and answered.

    Raises:
        FitRankError: if a request fails.
    """
    ready, times = threading.Barrier(len(clients)), [[] for _ in clients]
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            ask, place = clients[number], number * len(queries) // len(clients)
            ask(queries[place])
            ready.wait()
            until = time.perf_counter() + seconds
            while (sent := time.perf_counter()) < until:
                place = (place + 1) % len(queries)
                ask(queries[place])
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
        # One line, for the last line of its log is what is told of a process.
        reason = " ".join(repr(failures[0]).split())
        raise FitRankError(f"a search failed: {reason}") from failures[0]
    return np.array([pair for client in times for pair in client])


def _saved_model(path: str) -> Callable[[], Ask]:
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers the ops of the query encoder

    model = tf.saved_model.load(path)
    name = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY

    def ask(query: str) -> list[np.ndarray]:
        # By way of the model: signatures hold their variables weakly.
        found = model.signatures[name](query=tf.constant([query]))
        return [found[name].numpy() for name in _OUTPUTS]

    return lambda: ask


def _grpc(address: str) -> Callable[[], Ask]:
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis.predict_pb2 import PredictRequest
    from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

    def connect() -> Ask:
        # Without a pool of its own a channel shares the connection of the others.
        options = [("grpc.use_local_subchannel_pool", 1)]
        stub = PredictionServiceStub(grpc.insecure_channel(address, options))

        def ask(query: str) -> object:
            request = PredictRequest(output_filter=_OUTPUTS)
            request.model_spec.name = "search"
            text = tf.make_tensor_proto([query.encode()], dtype=tf.string)
            request.inputs["query"].CopyFrom(text)
            return stub.Predict(request, timeout=60.0)

        return ask

    return connect


def http_clients(address: str) -> Callable[[], Ask]:
    """What makes clients of the alternative, a connection kept open each."""
    headers = {"Content-Type": "application/json"}

    def connect() -> Ask:
        connection = http.client.HTTPConnection(address, timeout=60.0)

        def ask(query: str) -> dict[str, list]:
            connection.request("POST", "/search", json.dumps({"query": query}), headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != http.HTTPStatus.OK:
                raise FitRankError(f"{address} answers {response.status}: {body[:200]!r}")
            return json.loads(body)

        return ask

    return connect


_KINDS = {"saved_model": _saved_model, "grpc": _grpc, "http": http_clients}

if __name__ == "__main__":
    answer_requests(load_ways)
