"""The token: every method and path requires it."""

import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from fitrank_tf.core.errors import FitRankError
from serving.process.auth_token import AuthToken, read_auth_token
from serving.server import Server
from tests.serving.toy_http import call
from tests.serving.toy_requests import affine_request

SECRET = "correct-horse-battery"
CORRECT = f"Bearer {SECRET}"
WRONG = [
    "",
    SECRET,
    f"Basic {SECRET}",
    f"Bearer {SECRET}x",
    f"Bearer {SECRET[:-1]}",
    "Bearer",
]


@pytest.fixture(scope="module")
def server(start_models, bundle: Path) -> Server:
    return start_models(
        bundle / "affine",
        rest_api_port=0,
        metrics_path="/metrics",
        enable_grpc_healthcheck_service=True,
        token=AuthToken(SECRET),
    )


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


def metadata_request() -> GetModelMetadataRequest:
    request = GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "affine"
    return request


def status_request() -> GetModelStatusRequest:
    request = GetModelStatusRequest()
    request.model_spec.name = "affine"
    return request


CALLS = {
    "Predict": lambda c, **o: PredictionServiceStub(c).Predict(affine_request(), **o),
    "GetModelMetadata": lambda c, **o: PredictionServiceStub(c).GetModelMetadata(
        metadata_request(), **o
    ),
    "GetModelStatus": lambda c, **o: ModelServiceStub(c).GetModelStatus(
        status_request(), **o
    ),
    "Check": lambda c, **o: health_pb2_grpc.HealthStub(c).Check(
        health_pb2.HealthCheckRequest(), **o
    ),
}


@pytest.mark.parametrize("method", CALLS)
def test_grpc_call_needs_the_token(channel: grpc.Channel, method: str):
    ask = CALLS[method]
    assert ask(channel, metadata=[("authorization", CORRECT)], timeout=30)
    assert ask(channel, metadata=[("authorization", f"bearer {SECRET}")], timeout=30)
    for metadata in [(), *([("authorization", wrong)] for wrong in WRONG)]:
        with pytest.raises(grpc.RpcError) as raised:
            ask(channel, metadata=metadata, timeout=30)
        assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "authorization: Bearer TOKEN" in raised.value.details()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        (
            "POST",
            "/v1/models/affine:predict",
            {"signature_name": "total", "inputs": [[1.5]]},
        ),
        ("GET", "/v1/models/affine", None),
        ("GET", "/metrics", None),
    ],
)
def test_http_request_needs_the_token(server: Server, method: str, path: str, body):
    port = server.rest_api_port
    assert call(port, method, path, body, {"Authorization": CORRECT}).code == 200
    for headers in [{}, *({"Authorization": wrong} for wrong in WRONG)]:
        reply = call(port, method, path, body, headers)
        assert reply.code == 401
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert "authorization: Bearer TOKEN" in reply.error


def test_unknown_path_says_nothing_without_the_token(server: Server):
    assert call(server.rest_api_port, "GET", "/nowhere").code == 401


@pytest.mark.parametrize(
    ("content", "gist"),
    [
        (b"short", "at least 16 characters"),
        (b"", "at least 16 characters"),
        (b"two words of more than 16 characters", "write one token"),
        (b"0123456789abcdef\n0123456789abcdef\n", "write one token"),
        ("été" * 16, "cannot be read"),
    ],
)
def test_unusable_file_is_named(tmp_path: Path, content: bytes | str, gist: str):
    path = tmp_path / "token"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FitRankError, match=re.escape(gist)) as raised:
        read_auth_token(path)
    assert str(path) in str(raised.value)


def test_token_is_not_shown():
    assert SECRET not in repr(AuthToken(SECRET))
