"""Limits of a request on both ports: the status code, and the limit and fix named."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from serving.requests.limits import Limits
from serving.requests.tensor_proto import read_tensor
from serving.server import Server
from serving.status import StatusError
from tests.serving.toy_http import call
from tests.serving.toy_requests import arrays, predict_request

BYTES, ROWS, STRING = 10_000, 5, 100


@pytest.fixture(scope="module")
def server(start_models, bundle: Path, example_model: Path) -> Server:
    limits = Limits(
        max_request_bytes=BYTES, max_request_batch=ROWS, max_string_bytes=STRING
    )
    paths = bundle / "search", bundle / "affine", example_model
    return start_models(*paths, rest_api_port=0, limits=limits)


@pytest.fixture(scope="module")
def stub(server: Server) -> Iterator[PredictionServiceStub]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield PredictionServiceStub(channel)


def total_request(rows: int, columns: int):
    request = predict_request("affine", x=np.ones([rows, columns], np.float32))
    request.model_spec.signature_name = "total"
    return request


def huge_request():
    request = total_request(1, 1)
    request.inputs["x"].tensor_shape.dim[1].size = 10**9
    return request


def test_request_at_the_limits_is_accepted(stub):
    queries = ["a" * STRING] * ROWS
    answer = arrays(stub.Predict(predict_request("search", query=queries), timeout=30))
    assert answer["ids"].shape == (ROWS, 3)


@pytest.mark.parametrize(
    ("request_message", "code", "gist"),
    [
        (
            total_request(1, BYTES),
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"vs. {BYTES})",
        ),
        (
            total_request(ROWS + 1, 3),
            grpc.StatusCode.INVALID_ARGUMENT,
            f"input x has {ROWS + 1} rows, the limit is {ROWS}: send them in several "
            "requests, or start the server with a higher --max_request_batch",
        ),
        (
            predict_request("search", query=["a", "b" * (STRING + 1)]),
            grpc.StatusCode.INVALID_ARGUMENT,
            f"input query has a string of {STRING + 1} bytes, the limit is {STRING}: "
            "shorten it, or start the server with a higher --max_string_bytes",
        ),
        (
            # One value, which TensorFlow would repeat 10**9 times.
            huge_request(),
            grpc.StatusCode.INVALID_ARGUMENT,
            f"input x has {10**9} values, which take more than the limit of {BYTES} bytes",
        ),
    ],
    ids=["bytes", "rows", "string", "shape"],
)
def test_grpc_request_above_a_limit(stub, request_message, code, gist: str):
    with pytest.raises(grpc.RpcError) as raised:
        stub.Predict(request_message, timeout=30)
    assert raised.value.code() is code
    assert gist in raised.value.details()


@pytest.mark.parametrize(
    ("path", "body", "code", "gist"),
    [
        ("search:predict", {"inputs": ["a" * BYTES]}, 429, "--max_request_bytes"),
        ("search:predict", {"inputs": ["a"] * (ROWS + 1)}, 400, "--max_request_batch"),
        ("search:predict", {"inputs": ["a" * (STRING + 1)]}, 400, "--max_string_bytes"),
        (
            "examples:regress",
            {"signature_name": "regress", "examples": [{"x": 1.0}] * (ROWS + 1)},
            400,
            "--max_request_batch",
        ),
    ],
)
def test_http_request_above_a_limit(server: Server, path, body, code: int, gist: str):
    reply = call(server.rest_api_port, "POST", f"/v1/models/{path}", body)
    assert reply.code == code
    assert gist in reply.error


def test_limits_can_be_lifted(start_models, bundle: Path):
    limits = Limits(max_request_bytes=0, max_request_batch=0, max_string_bytes=0)
    server = start_models(bundle / "affine", limits=limits)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        request = total_request(100_000, 20)
        answer = PredictionServiceStub(channel).Predict(request, timeout=30)
    assert arrays(answer)["total"].sum() == 2_000_000


@pytest.mark.parametrize(
    ("size", "limit"), [(1, 64), (30_000_000, 256 * 1024 * 1024)], ids=["small", "default"]
)
def test_a_string_costs_what_it_takes_in_memory(size: int, limit: int):
    proto = predict_request("m", x=["a"]).inputs["x"]
    proto.tensor_shape.dim.add(size=size)
    tensor = read_tensor("x", proto.SerializeToString())
    unknown = TensorShapeProto(unknown_rank=True)
    if size * 64 <= limit:
        assert Limits(max_request_bytes=limit).check_tensor("x", tensor, unknown) is None
        limit -= 1
    with pytest.raises(StatusError, match=f"input x has {size} values"):
        Limits(max_request_bytes=limit).check_tensor("x", tensor, unknown)
