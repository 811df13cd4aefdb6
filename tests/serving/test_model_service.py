"""GetModelStatus through tensorflow-serving-api's own stub."""

from collections.abc import Iterator

import grpc
import pytest
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    ModelVersionStatus,
)


@pytest.fixture(scope="module")
def stub(address: str) -> Iterator[model_service_pb2_grpc.ModelServiceStub]:
    with grpc.insecure_channel(address) as channel:
        yield model_service_pb2_grpc.ModelServiceStub(channel)


def status_request(name: str) -> GetModelStatusRequest:
    request = GetModelStatusRequest()
    request.model_spec.name = name
    return request


@pytest.mark.parametrize(
    ("select", "versions"),
    [
        (lambda spec: None, [1, 2]),
        (lambda spec: setattr(spec.version, "value", 1), [1]),
        # TF-Serving ignores a label here.
        (lambda spec: setattr(spec, "version_label", "stable"), [1, 2]),
    ],
    ids=["all", "one", "label"],
)
def test_status_of_loaded_versions(stub, select, versions: list[int]):
    request = status_request("search")
    select(request.model_spec)
    statuses = stub.GetModelStatus(request, timeout=30).model_version_status
    assert [status.version for status in statuses] == versions
    for status in statuses:
        assert status.state == ModelVersionStatus.AVAILABLE
        assert status.HasField("status")
        assert status.status.error_code == 0


@pytest.mark.parametrize(
    ("spoil", "code", "gist"),
    [
        (
            lambda r: r.ClearField("model_spec"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Missing ModelSpec",
        ),
        (
            lambda r: setattr(r.model_spec, "name", "other"),
            grpc.StatusCode.NOT_FOUND,
            "Could not find any versions of model other",
        ),
        (
            lambda r: setattr(r.model_spec.version, "value", 3),
            grpc.StatusCode.NOT_FOUND,
            "Could not find version 3 of model search",
        ),
    ],
    ids=["no-spec", "no-model", "no-version"],
)
def test_status_of_what_is_not_served(stub, spoil, code: grpc.StatusCode, gist: str):
    request = status_request("search")
    spoil(request)
    with pytest.raises(grpc.RpcError) as raised:
        stub.GetModelStatus(request, timeout=30)
    assert raised.value.code() is code
    assert raised.value.details() == gist


def test_reload_says_that_it_is_not_served(stub):
    with pytest.raises(grpc.RpcError) as raised:
        stub.HandleReloadConfigRequest(
            model_management_pb2.ReloadConfigRequest(), timeout=30
        )
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "restart the server" in raised.value.details()
