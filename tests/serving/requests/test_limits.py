"""Limits of a request on both ports: the status code, and the limit and fix named."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from fitrank_tf.core.errors import FitRankError
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


NAMES = [field.name for field in dataclasses.fields(Limits)]


def test_limits_unless_others_are_given():
    mib = 1_048_576
    assert dataclasses.asdict(Limits()) == {
        "max_request_bytes": 256 * mib,
        "max_request_batch": mib,
        "max_string_bytes": 32 * mib,
        "max_json_values": 1_000_000,
        "max_response_bytes": 256 * mib,
        "max_execution_batch": 64,
    }


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_within_those_of_grpc(name: str):
    for value in (0, 1, 2_147_483_647):
        assert getattr(Limits(**{name: value}), name) == value
    for value in (-1, 2_147_483_648):
        said = rf"--{name}={value}: give a number from 0 \(no limit\) to 2147483647$"
        with pytest.raises(FitRankError, match=said):
            Limits(**{name: value})


def test_grpc_takes_minus_one_for_no_limit():
    assert [Limits(max_request_bytes=n).grpc_message_bytes for n in (0, 1, 7)] == [-1, 1, 7]


def _is_refused(check: Callable[[Limits], None], name: str, size: int, said: str) -> None:
    """A limit of `size` and none let it pass; one below refuses it."""
    for limit in (0, size, size + 1):
        check(Limits(**{name: limit}))
    with pytest.raises(StatusError, match=said.format(size=size, limit=size - 1)) as error:
        check(Limits(**{name: size - 1}))
    assert f"--{name}" in str(error.value)
    is_input = name in ("max_request_batch", "max_string_bytes")
    codes = grpc.StatusCode
    assert error.value.code is (
        codes.INVALID_ARGUMENT if is_input else codes.RESOURCE_EXHAUSTED
    )


def test_a_body_has_at_most_as_many_bytes():
    said = "the request has {size} bytes, the limit is {limit}: send it in parts"
    for size in (2, 10_000):
        _is_refused(lambda of, n=size: of.check_bytes(n), "max_request_bytes", size, said)


@pytest.mark.parametrize(
    ("body", "values"), [(b'[1, 2, {"a": 3}]', 4), (b'{"x": [[1], [2, 3]]}', 6), (b"[,", 2)]
)
def test_a_body_has_at_most_as_many_values(body: bytes, values: int):
    said = "the request has {size} JSON values, the limit is {limit}: send it in parts"
    _is_refused(lambda of: of.check_json(body), "max_json_values", values, said)


def test_an_input_has_at_most_as_many_rows():
    said = "input x has {size} rows, the limit is {limit}: send them in several requests"
    for array in (np.zeros([5, 2]), np.array([b"a"] * 5, object)):
        inputs = {"scalar": np.float32(7).reshape(()), "x": array}
        _is_refused(lambda of, x=inputs: of.check_inputs(x), "max_request_batch", 5, said)


def test_a_string_has_at_most_as_many_bytes():
    said = "input x has a string of {size} bytes, the limit is {limit}: shorten it"
    texts = np.array([[b"a", b""], [b"abc", b"ab"]], object)
    inputs = {"numbers": np.zeros([9, 9]), "none": np.zeros([0], object), "x": texts}
    _is_refused(lambda of: of.check_inputs(inputs), "max_string_bytes", 3, said)


@pytest.mark.parametrize(
    ("outputs", "rows", "ran", "size"),
    [
        ([np.zeros([5, 3], np.float32)], 5, 5, 60),
        ([np.zeros([4], np.float64), np.zeros([4, 2], np.int8)], 8, 4, 80),
        ([np.zeros([3], np.uint8)], 10, 4, 7),
        # A string costs 64 bytes besides its characters.
        ([np.array([b"abc", b""], object)], 4, 2, 262),
        ([np.zeros([3], np.uint8)], 2, 0, 6),
    ],
)
def test_outputs_take_at_most_as_many_bytes(outputs, rows: int, ran: int, size: int):
    said = f"the outputs of {rows} rows take about {{size}} bytes, the limit is {{limit}}"
    check = lambda of: of.check_outputs(outputs, rows, ran)  # noqa: E731
    _is_refused(check, "max_response_bytes", size, said)


def _tensor(dtype: str, *shape: int):
    proto = TensorProto(dtype=f"DT_{dtype}")
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return read_tensor("x", proto.SerializeToString())


@pytest.mark.parametrize(
    ("dtype", "shape", "size"),
    [("FLOAT", (5, 3), 60), ("INT64", (10,), 80), ("BOOL", (7,), 7), ("STRING", (2,), 128)],
)
def test_a_tensor_takes_at_most_as_many_bytes(dtype: str, shape, size: int):
    tensor, expected = _tensor(dtype, *shape), TensorShapeProto(unknown_rank=True)
    for limit in (0, size):
        Limits(max_request_bytes=limit).check_tensor("x", tensor, expected)
    with pytest.raises(StatusError, match=f"more than the limit of {size - 1} bytes"):
        Limits(max_request_bytes=size - 1).check_tensor("x", tensor, expected)


@pytest.mark.parametrize(
    ("shape", "limit", "passes"),
    [
        ((4096,), 10**6, True),
        ((4097,), 10**6, False),
        ((4097,), 0, True),
        ((2049, 2), 10**6, True),
        ((2049, 3), 10**6, False),
    ],
)
def test_a_large_tensor_has_the_shape_of_the_signature(shape, limit: int, passes: bool):
    expected = TensorShapeProto()
    for size in (-1, 2):
        expected.dim.add(size=size)
    limits, tensor = Limits(max_request_bytes=limit), _tensor("FLOAT", *shape)
    if passes:
        limits.check_tensor("x", tensor, expected)
        return
    with pytest.raises(StatusError) as error:
        limits.check_tensor("x", tensor, expected)
    said = f"input x has the shape {list(shape)}, its signature takes (None, 2)"
    assert said in str(error.value)
