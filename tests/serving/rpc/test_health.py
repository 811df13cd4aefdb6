"""grpc.health.v1, if enabled, through its own stub."""

from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVING = health_pb2.HealthCheckResponse.SERVING


def check(port: int, service: str) -> int:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        return health_pb2_grpc.HealthStub(channel).Check(request, timeout=30).status


@pytest.fixture(scope="module")
def port(start_models, bundle: Path) -> int:
    return start_models(bundle / "affine", enable_grpc_healthcheck_service=True).port


@pytest.mark.parametrize("service", ["", "ModelService", "PredictionService"])
def test_services_are_serving(port: int, service: str):
    assert check(port, service) == SERVING


def test_unknown_service_is_not_found(port: int):
    with pytest.raises(grpc.RpcError) as raised:
        check(port, "other")
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def test_service_is_off_by_default(address: str):
    with pytest.raises(grpc.RpcError) as raised:
        check(int(address.rpartition(":")[2]), "")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_watcher_is_notified_of_the_stop(start_models, bundle: Path):
    server = start_models(bundle / "affine", enable_grpc_healthcheck_service=True)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        request = health_pb2.HealthCheckRequest()
        watch = health_pb2_grpc.HealthStub(channel).Watch(request, timeout=30)
        assert next(watch).status == SERVING
        stopped = server.stop(5)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        assert stopped.wait(30)
