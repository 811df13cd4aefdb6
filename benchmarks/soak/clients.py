"""Clients that search without a pause, and what they saw.

An answer names the version that gave it, so each can be held against what that version
says in a process of its own.
"""

import dataclasses
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

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
# Batches of other sizes add up in another order.
_ROUNDING = 2e-3
# Between an answer and the next request, so that whoever changes versions gets a turn.
_PAUSE_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Answer:
    """The products of one query, the best first, "" ids left out.

    Attributes:
        titles: {product id: title}, in the order of the answer.
        scores: {product id: score}.
    """

    titles: Mapping[str, str]
    scores: Mapping[str, float]

    @classmethod
    def of(cls, outputs: Mapping[str, np.ndarray]) -> "Answer":
        """From `ids`, `titles` and `scores` of one query, [k] each."""
        rows = [row for row in zip(*(outputs[name] for name in _OUTPUTS)) if row[0]]
        return cls(
            {item.decode(): title.decode() for item, title, _ in rows},
            {item.decode(): float(score) for item, _, score in rows},
        )

    def agrees(self, other: "Answer") -> bool:
        """Whether both hold the same products, titles and scores, but for rounding.

        Where the last places are equal but for rounding, either product may be there.
        """
        least = max(min(one.scores.values(), default=0.0) for one in (self, other))
        for one, another in ((self, other), (other, self)):
            for item, score in one.scores.items():
                if item not in another.scores:
                    if score > least + _ROUNDING:
                        return False
                elif (
                    abs(score - another.scores[item]) > _ROUNDING
                    or one.titles[item] != another.titles[item]
                ):
                    return False
        return True


def ask(stub: PredictionServiceStub, queries: Sequence[str]) -> tuple[int, list[Answer]]:
    """The version that answers, and what it says."""
    request = PredictRequest(output_filter=_OUTPUTS)
    request.model_spec.name = "search"
    request.inputs["query"].CopyFrom(tf.make_tensor_proto(list(queries)))
    response = stub.Predict(request, timeout=_DEADLINE_SECONDS)
    outputs = {name: tf.make_ndarray(response.outputs[name]) for name in _OUTPUTS}
    answers = [
        Answer.of({name: value[row] for name, value in outputs.items()})
        for row in range(len(queries))
    ]
    return response.model_spec.version.value, answers


def answers_of(version: Path, queries: Sequence[str]) -> dict[str, Answer]:
    """{query: what a version of `search` says, in this process}."""
    loaded = tf.saved_model.load(str(version))
    told = loaded.signatures[DEFAULT_SIGNATURE](query=tf.constant(list(queries)))
    outputs = {name: value.numpy() for name, value in told.items()}
    return {
        query: Answer.of({name: value[row] for name, value in outputs.items()})
        for row, query in enumerate(queries)
    }


def served_versions(channel: grpc.Channel, model: str) -> list[int]:
    """The versions of a model that a server answers with; none if it has no such model."""
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


class SoakClients:
    """Threads that ask in a closed loop until they are stopped.

    Args:
        address: of the server.
        queries: what they ask, each beginning at another one.
        count: how many.

    Attributes:
        seen: {(version, query): the distinct answers}.
        asked: how many requests were answered, by version.
        failures: what went wrong, in words.
        least_version: what a request that begins now must be answered by, or newer.
    """

    def __init__(self, address: str, queries: Sequence[str], count: int):
        self.seen: dict[tuple[int, str], list[Answer]] = {}
        self.asked: Counter[int] = Counter()
        self.failures: list[str] = []
        self.least_version = 0
        self._address, self._queries = address, queries
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(count)
        ]

    def __enter__(self) -> "SoakClients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        with grpc.insecure_channel(self._address) as channel:
            stub = PredictionServiceStub(channel)
            while not self._stopped.wait(_PAUSE_SECONDS):
                query = self._queries[number % len(self._queries)]
                self._ask_once(stub, query)
                number += 1

    def _ask_once(self, stub: PredictionServiceStub, query: str) -> None:
        least = self.least_version
        try:
            version, [answer] = ask(stub, [query])
        except (grpc.RpcError, ValueError) as error:
            self._note(f"'{query}' failed: {error}")
            return
        if version < least:
            self._note(f"'{query}' was answered by version {version} after {least}")
        with self._lock:
            self.asked[version] += 1
            answers = self.seen.setdefault((version, query), [])
            if not any(answer.agrees(known) for known in answers):
                answers.append(answer)

    def _note(self, failure: str) -> None:
        with self._lock:
            self.failures.append(failure)
