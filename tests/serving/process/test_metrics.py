"""The metrics page, read by prometheus_client's parser, against the requests sent."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from serving.models.version_status import ModelEvent, VersionState, VersionStatus
from serving.process.metrics import Metrics
from serving.server import Server
from tests.serving.toy_http import call
from tests.serving.toy_models import QUERIES
from tests.serving.toy_requests import predict_request

PATH = "/metrics"
SEARCH = {"model_name": "search"}


@pytest.fixture
def server(start_models, bundle: Path) -> Server:
    return start_models(bundle / "search", rest_api_port=0, metrics_path=PATH)


@pytest.fixture
def stub(server: Server) -> Iterator[PredictionServiceStub]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield PredictionServiceStub(channel)


def samples(text: bytes) -> dict[str, dict[tuple, float]]:
    """Sample name on the page -> labels -> value."""
    found: dict[str, dict[tuple, float]] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def value(page: dict, name: str, **labels: str) -> float:
    return page.get(name, {}).get(tuple(sorted(labels.items())), 0.0)


def test_page_counts_the_requests_that_were_sent(server: Server, stub):
    for _ in range(5):
        stub.Predict(predict_request("search", query=QUERIES), timeout=30)
    for _ in range(2):
        with pytest.raises(grpc.RpcError):
            stub.Predict(predict_request("search", other=QUERIES), timeout=30)
    for name in ("a", "b", "c"):
        with pytest.raises(grpc.RpcError):
            stub.Predict(predict_request(name, query=QUERIES), timeout=30)
    rest = server.rest_api_port
    for _ in range(3):
        call(rest, "POST", "/v1/models/search:predict", {"instances": QUERIES})
    call(rest, "POST", "/v1/models/search:predict", {})
    call(rest, "GET", "/v1/models/search")
    reply = call(rest, "GET", PATH)
    assert reply.code == 200
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    page = samples(reply.body)

    count = ":tensorflow:serving:request_count"
    assert value(page, count, status="OK", **SEARCH) == 5 + 3
    assert value(page, count, status="INVALID_ARGUMENT", **SEARCH) == 2 + 1
    # Unknown model names of clients are not kept.
    assert value(page, count, model_name="", status="NOT_FOUND") == 3
    assert sum(page[count].values()) == 5 + 2 + 3 + 3 + 1

    latency = ":tensorflow:serving:request_latency"
    grpc_labels = {"API": "Predict", "entrypoint": "GRPC", **SEARCH}
    rest_labels = {"API": "predict", "entrypoint": "REST", **SEARCH}
    assert value(page, f"{latency}_count", **grpc_labels) == 5
    assert value(page, f"{latency}_count", **rest_labels) == 3
    assert value(page, f"{latency}_bucket", le="+Inf", **grpc_labels) == 5
    runtime = ":tensorflow:serving:runtime_latency"
    runtime_labels = {"API": "Predict", "runtime": "TF1", **SEARCH}
    assert value(page, f"{runtime}_count", **runtime_labels) == 5 + 3
    spent = value(page, f"{latency}_sum", **grpc_labels) + value(
        page, f"{latency}_sum", **rest_labels
    )
    assert 0 < value(page, f"{runtime}_sum", **runtime_labels) < spent

    assert value(page, ":fitrank:serving:model_load_count", status="OK", **SEARCH) == 1
    assert value(page, ":fitrank:serving:model_load_latency_count", **SEARCH) == 1
    available = ":fitrank:serving:model_version_available"
    assert value(page, available, version="2", **SEARCH) == 1


def test_examples_are_counted(start_models, example_model: Path):
    server = start_models(example_model, rest_api_port=0, metrics_path=PATH)
    body = {"signature_name": "regress", "examples": [{"x": 1.0}, {"x": 2.0}]}
    call(server.rest_api_port, "POST", "/v1/models/examples:regress", body)
    channel = grpc.insecure_channel(f"127.0.0.1:{server.port}")
    with channel, pytest.raises(grpc.RpcError):
        PredictionServiceStub(channel).Classify(ClassificationRequest(), timeout=30)
    page = samples(call(server.rest_api_port, "GET", PATH).body)
    counts = ":tensorflow:serving:request_example_counts"
    assert value(page, f"{counts}_count", model="examples") == 1
    assert value(page, f"{counts}_sum", model="examples") == 2
    count = ":tensorflow:serving:request_count"
    assert value(page, count, model_name="", status="INVALID_ARGUMENT") == 1


def event(version: int, state: VersionState, code: int = 0) -> ModelEvent:
    return ModelEvent("m", VersionStatus(version, state, code), seconds=0.5)


def test_loads_and_versions_are_those_of_the_events():
    metrics = Metrics()
    for told in (
        event(1, VersionState.LOADING),
        event(1, VersionState.AVAILABLE),
        event(2, VersionState.LOADING),
        event(2, VersionState.AVAILABLE),
        event(1, VersionState.UNLOADING),
        event(1, VersionState.END),
        event(3, VersionState.LOADING),
        event(3, VersionState.END, grpc.StatusCode.UNKNOWN.value[0]),
    ):
        metrics.model_event(told)
    page = samples(metrics.page())
    loads = ":fitrank:serving:model_load_count"
    assert value(page, loads, model_name="m", status="OK") == 2
    assert value(page, loads, model_name="m", status="UNKNOWN") == 1
    latency = ":fitrank:serving:model_load_latency"
    assert value(page, f"{latency}_sum", model_name="m") == 3 * 0.5e6
    available = page[":fitrank:serving:model_version_available"]
    assert available == {(("model_name", "m"), ("version", "2")): 1.0}


def test_unexpected_error_counts_as_unknown():
    metrics = Metrics()
    with pytest.raises(ZeroDivisionError), metrics.request("m", "Predict", "GRPC"):
        _ = 1 / 0
    page = samples(metrics.page())
    count = ":tensorflow:serving:request_count"
    assert value(page, count, model_name="", status="UNKNOWN") == 1
