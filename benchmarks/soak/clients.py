"""Clients that search continuously and record the results.

A response names the version that made it, so each can be compared with the results of that
version loaded in this process.
"""

import dataclasses
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    ModelVersionStatus,
)
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from fitrank_tf.export.signatures import DEFAULT_SIGNATURE

_DEADLINE_SECONDS = 60.0
_OUTPUTS = ("ids", "titles", "scores")
# Batches of other sizes sum in another order.
_ROUNDING = 2e-3
# Pause between a response and the next request, which leaves time to change versions.
_PAUSE_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """The products of one query, best first, without the padding of empty ids.

    Attributes:
        titles: {product id: title}, best first.
        scores: {product id: score}, best first.
    """

    titles: Mapping[str, str]
    scores: Mapping[str, float]

    @classmethod
    def of(cls, outputs: Mapping[str, np.ndarray]) -> "SearchResult":
        """Makes a result of `ids`, `titles` and `scores` [k] of one query."""
        rows = [row for row in zip(*(outputs[name] for name in _OUTPUTS)) if row[0]]
        return cls(
            {item.decode(): title.decode() for item, title, _ in rows},
            {item.decode(): float(score) for item, _, score in rows},
        )

    def agrees(self, other: "SearchResult") -> bool:
        """Whether both have the same products, titles and scores, up to rounding.

        Products with the lowest score may differ, because ties at the end are cut off.
        """
        minimum = max(min(one.scores.values(), default=0.0) for one in (self, other))
        for one, another in ((self, other), (other, self)):
            for item, score in one.scores.items():
                if item not in another.scores:
                    if score > minimum + _ROUNDING:
                        return False
                elif (
                    abs(score - another.scores[item]) > _ROUNDING
                    or one.titles[item] != another.titles[item]
                ):
                    return False
        return True


def search(
    stub: PredictionServiceStub, queries: Sequence[str]
) -> tuple[int, list[SearchResult]]:
    """Searches for texts on a server.

    Args:
        stub: connection to the server.
        queries: texts to search for.

    Returns:
        The version that responded, and one result per query.
    """
    request = PredictRequest(output_filter=_OUTPUTS)
    request.model_spec.name = "search"
    request.inputs["query"].CopyFrom(tf.make_tensor_proto(list(queries)))
    response = stub.Predict(request, timeout=_DEADLINE_SECONDS)
    outputs = {name: tf.make_ndarray(response.outputs[name]) for name in _OUTPUTS}
    results = [
        SearchResult.of({name: value[row] for name, value in outputs.items()})
        for row in range(len(queries))
    ]
    return response.model_spec.version.value, results


def expected_results(version: Path, queries: Sequence[str]) -> dict[str, SearchResult]:
    """The results of a version of `search` that is loaded in this process.

    Args:
        version: directory of the version.
        queries: texts to search for.

    Returns:
        {query: result}.
    """
    loaded = tf.saved_model.load(str(version))
    tensors = loaded.signatures[DEFAULT_SIGNATURE](query=tf.constant(list(queries)))
    outputs = {name: value.numpy() for name, value in tensors.items()}
    return {
        query: SearchResult.of({name: value[row] for name, value in outputs.items()})
        for row, query in enumerate(queries)
    }


def served_versions(channel: grpc.Channel, model: str) -> list[int]:
    """The available versions of a model on a server; empty if it has no such model."""
    request = GetModelStatusRequest()
    request.model_spec.name = model
    try:
        response = ModelServiceStub(channel).GetModelStatus(
            request, timeout=_DEADLINE_SECONDS
        )
    except grpc.RpcError:
        return []
    states = response.model_version_status
    return [
        status.version for status in states if status.state == ModelVersionStatus.AVAILABLE
    ]


class ClientThreads:
    """Threads that run clients inside a `with` block.

    Args:
        count: number of threads; each calls `run` with its number, from 0.
    """

    def __init__(self, count: int):
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._threads = [
            threading.Thread(target=self.run, args=(number,)) for number in range(count)
        ]

    def run(self, number: int) -> None:
        """Searches until `_stopped` is set."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()


class SoakClients(ClientThreads):
    """Clients that search in a closed loop.

    Args:
        address: address of the server.
        queries: texts to search for; each client starts at another one.
        count: number of clients.

    Attributes:
        results: {(version, query): distinct results}.
        responses: {version: number of responses}.
        failures: messages about failed requests.
        min_version: the oldest version that may respond to a request sent now.
    """

    def __init__(self, address: str, queries: Sequence[str], count: int):
        self.results: dict[tuple[int, str], list[SearchResult]] = {}
        self.responses: Counter[int] = Counter()
        self.failures: list[str] = []
        self.min_version = 0
        self._address, self._queries = address, queries
        super().__init__(count)

    def run(self, number: int) -> None:
        """Searches for one query after the other, with pauses."""
        with grpc.insecure_channel(self._address) as channel:
            stub = PredictionServiceStub(channel)
            while not self._stopped.wait(_PAUSE_SECONDS):
                query = self._queries[number % len(self._queries)]
                self._search_once(stub, query)
                number += 1

    def _search_once(self, stub: PredictionServiceStub, query: str) -> None:
        minimum = self.min_version
        try:
            version, [result] = search(stub, [query])
        except (grpc.RpcError, ValueError) as error:
            self._note(f"'{query}' failed: {error}")
            return
        if version < minimum:
            self._note(f"'{query}' was answered by version {version} after {minimum}")
        with self._lock:
            self.responses[version] += 1
            results = self.results.setdefault((version, query), [])
            if not any(result.agrees(known) for known in results):
                results.append(result)

    def _note(self, failure: str) -> None:
        with self._lock:
            self.failures.append(failure)
