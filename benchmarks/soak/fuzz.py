"""Soak test: no request ends the server, fills its memory or keeps others waiting."""

import base64
import dataclasses
import gzip
import http.client
import json
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tqdm import tqdm

from benchmarks.server_process import free_port
from benchmarks.soak.clients import search
from benchmarks.soak.memory import resident_mebibytes
from benchmarks.soak.server import bundle_server

_SERVICE = "/tensorflow.serving.PredictionService"
_METHODS = ("Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata")
_DEADLINE = 60.0
_SIZES = (-1, 0, 1, 2, 33, 65_536, 30_000_000, 2**31, 2**62)
_DEPTHS = (1, 2, 32, 33, 64, 65, 900, 20_000)

# The share of requests that take seconds, to refuse or to answer.
_COSTLY_SHARE = 0.02

# Statuses of a server's own mistakes.
_FAULTS = {"UNKNOWN", "INTERNAL", "DATA_LOSS", "UNAVAILABLE", "500", "503"}

# A request: sends itself and returns the name of its status.
_Request = Callable[[], str]


@dataclasses.dataclass(frozen=True)
class FuzzReport:
    """The result of the fuzz.

    Attributes:
        statuses: status -> number of requests.
        before: resident memory after normal requests and before the others, in MiB.
        after: resident memory after them and as many normal requests.
        slowest: the longest that a normal request took meanwhile, in seconds.
        faults: what went wrong, one line each.
    """

    statuses: Mapping[str, int]
    before: float
    after: float
    slowest: float
    faults: Sequence[str]


def soak_fuzz(bundle: Path, requests: int, seed: int) -> FuzzReport:
    """Sends broken requests to both ports of a server, and normal ones beside them.

    Args:
        bundle: directory of the bundle whose `search` is served.
        requests: number of broken requests.
        seed: seed of their mutations.

    Raises:
        FitRankError: if the server does not start or ends.
    """
    draw, statuses = random.Random(seed), Counter[str]()
    faults: list[str] = []
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        flags = [f"--rest_api_port={port}"]
        running = bundle_server(bundle, ["search"], Path(name), flags)
        with running as (address, process), grpc.insecure_channel(address) as channel:
            stub = PredictionServiceStub(channel)
            _settle(stub)
            before = resident_mebibytes(process.pid)
            with _NormalClient(stub) as normal:
                for number in tqdm(range(requests), desc="requests", disable=None):
                    kind, request = _broken(draw, channel, port)
                    status = request()
                    statuses[status] += 1
                    if status in _FAULTS:
                        faults.append(f"request {number}, {kind}: {status}")
            _settle(stub)
            after = resident_mebibytes(process.pid)
    return FuzzReport(statuses, before, after, normal.slowest, [*faults, *normal.faults])


class _NormalClient:
    """Searches without a pause, and notes the longest wait and each failure."""

    def __init__(self, stub: PredictionServiceStub) -> None:
        self.slowest = 0.0
        self.faults: list[str] = []
        self._stub = stub
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "_NormalClient":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(0.05):
            started = time.perf_counter()
            try:
                search(self._stub, ["red check shirt"])
            except grpc.RpcError as error:
                self.faults.append(f"a normal request: {error.code().name}")
                continue
            self.slowest = max(self.slowest, time.perf_counter() - started)


def _settle(stub: PredictionServiceStub) -> None:
    for number in range(50):
        search(stub, [f"shirt {number}"] * 32)


def _broken(draw: random.Random, channel: grpc.Channel, port: int) -> tuple[str, _Request]:
    kinds = _COSTLY_KINDS if draw.random() < _COSTLY_SHARE else _KINDS
    kind, make = draw.choice(list(kinds.items()))
    return kind, make(draw, channel, port)


def _grpc(channel: grpc.Channel, content: bytes, method: str = "Predict") -> _Request:
    def send() -> str:
        try:
            channel.unary_unary(f"{_SERVICE}/{method}")(content, timeout=_DEADLINE)
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    return send


def _rest(port: int, body: bytes, path: str = "search:predict", **headers: str) -> _Request:
    def send() -> str:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_DEADLINE)
        try:
            connection.request("POST", f"/v1/models/{path}", body, headers)
            return str(connection.getresponse().status)
        finally:
            connection.close()

    return send


def _valid() -> PredictRequest:
    request = PredictRequest(output_filter=["ids", "scores"])
    request.model_spec.name = "search"
    request.inputs["query"].CopyFrom(tf.make_tensor_proto(["red shirt", "bag"]))
    return request


def _any_bytes(draw: random.Random, channel: grpc.Channel, port: int) -> _Request:
    noise = draw.randbytes(draw.choice([0, 1, 10, 1000, 100_000]))
    return _grpc(channel, noise, draw.choice(_METHODS))


def _mutated_message(draw: random.Random, channel: grpc.Channel, port: int) -> _Request:
    content = bytearray(_valid().SerializeToString())
    for _ in range(draw.randint(1, 10)):
        place = draw.randrange(len(content))
        if draw.random() < 0.5:
            content[place] = draw.randrange(256)
        else:
            content[place:place] = draw.randbytes(draw.randint(1, 6))
    return _grpc(channel, bytes(content), draw.choice(_METHODS))


def _mutated_field(draw: random.Random, channel: grpc.Channel, port: int) -> _Request:
    request = _valid()
    spec, proto = request.model_spec, request.inputs["query"]
    changes: list[Callable[[], Any]] = [
        lambda: request.ClearField("model_spec"),
        lambda: setattr(spec, "name", draw.choice(["", "é" * 5000, "a/b", "\0"])),
        lambda: setattr(spec, "signature_name", draw.choice(["x" * 5000, "explained"])),
        lambda: setattr(spec, "version_label", "é" * 2000),
        lambda: setattr(spec.version, "value", draw.choice([-1, 0, 2**63 - 1])),
        lambda: request.output_filter.extend(["ids"] * draw.choice([1, 20_000])),
        lambda: request.inputs["other"].CopyFrom(proto),
        lambda: request.ClearField("inputs"),
        lambda: proto.tensor_shape.dim.add(size=draw.choice(_SIZES), name="x" * 1000),
        lambda: setattr(proto.tensor_shape, "unknown_rank", True),
        lambda: proto.ClearField("tensor_shape"),
        lambda: proto.ClearField("string_val"),
        lambda: setattr(proto, "version_number", 2**31 - 1),
        lambda: setattr(proto, "tensor_content", draw.randbytes(40)),
        lambda: proto.variant_val.add(type_name="tensorflow::TensorList"),
    ]
    draw.choice(changes)()
    return _grpc(channel, request.SerializeToString())


def _lying_tensor(draw: random.Random, channel: grpc.Channel, port: int) -> _Request:
    request, proto = _valid(), TensorProto()
    proto.dtype = draw.choice([7, 7, 7, *range(35), 99, 101, 107, 121])
    for _ in range(draw.choice([0, 1, 1, 2, 3, 31, 33, 64, 254, 1000])):
        proto.tensor_shape.dim.add(size=draw.choice([*_SIZES, 1, 1, 1, 1]))
    proto.string_val.extend([draw.randbytes(3)] * draw.choice([0, 1, 2, 5000]))
    if draw.random() < 0.3:
        proto.tensor_content = draw.randbytes(draw.choice([1, 16, 4096]))
    for field in ("float_val", "int_val", "int64_val", "half_val"):
        if draw.random() < 0.2:
            getattr(proto, field).extend([1] * draw.choice([1, 1000]))
    request.inputs["query"].CopyFrom(proto)
    return _grpc(channel, request.SerializeToString())


def _many_rows(draw: random.Random, channel: grpc.Channel, port: int) -> _Request:
    rows = [""] * draw.choice([100, 3000, 20_000])
    if draw.random() < 0.5:
        return _rest(port, json.dumps({"inputs": rows}).encode())
    request = _valid()
    request.inputs["query"].CopyFrom(tf.make_tensor_proto(rows))
    return _grpc(channel, request.SerializeToString())


def _nested_json(draw: random.Random, channel: grpc.Channel, port: int) -> _Request:
    depth, inner = draw.choice(_DEPTHS), draw.choice(["", "1", '"a"', "{}", '{"b64": "!"}'])
    opened, closed = draw.choice([("[", "]"), ('{"a":', "}")])
    nested = opened * depth + (inner or "0") + closed * depth
    return _rest(port, f'{{"{draw.choice(["instances", "inputs"])}": {nested}}}'.encode())


def _json_values(draw: random.Random, channel: grpc.Channel, port: int) -> _Request:
    photo = base64.b64encode(draw.randbytes(50)).decode()
    value: Any = draw.choice(
        [
            "\ud800",
            {"b64": photo[: draw.randint(0, 60)] + draw.choice(["", "!", "é", "===="])},
            {"b64": 1},
            {"b64": photo, "other": 1},
            {"query": ["a"]},
            None,
            True,
            1e308,
            10**400,
            "a" * 1_000_000,
            ["a", ["b"]],
            [["a"], ["b", "c"]],
            {"": ""},
        ]
    )
    key = draw.choice(["instances", "inputs", "signature_name", "\udfff"])
    body = {key: draw.choice([value, [value], [[value]]]), "instances": ["a"]}
    return _rest(port, json.dumps(body).encode())


def _mutated_json(draw: random.Random, channel: grpc.Channel, port: int) -> _Request:
    body = bytearray(b'{"signature_name": "serving_default", "instances": ["red", "bag"]}')
    for _ in range(draw.randint(1, 6)):
        body[draw.randrange(len(body))] = draw.randrange(256)
    path = draw.choice(["search:predict", "search:classify", "search:regress", "x:predict"])
    return _rest(port, bytes(body), path)


def _bad_gzip(draw: random.Random, channel: grpc.Channel, port: int) -> _Request:
    plain = draw.choice(
        [b'{"inputs": [' + b"[]," * 20_000_000 + b"[]]}", b" " * 300_000_000, b"{}"]
    )
    packed = bytearray(gzip.compress(plain, 1))
    if draw.random() < 0.3:
        packed = packed[: len(packed) // 2]
    return _rest(port, bytes(packed), **{"Content-Encoding": "gzip"})


_KINDS: Mapping[str, Callable[[random.Random, grpc.Channel, int], _Request]] = {
    "random bytes": _any_bytes,
    "a mutated message": _mutated_message,
    "a mutated field": _mutated_field,
    "a tensor that lies": _lying_tensor,
    "nested JSON": _nested_json,
    "wrong JSON values": _json_values,
    "mutated JSON": _mutated_json,
}
_COSTLY_KINDS = {"many rows": _many_rows, "gzip": _bad_gzip}
