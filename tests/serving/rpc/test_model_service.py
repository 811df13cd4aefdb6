"""GetModelStatus and HandleReloadConfigRequest through tensorflow-serving-api's stub."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from tensorflow_serving.apis import model_service_pb2_grpc
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    ModelVersionStatus,
)
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from serving.models.model_config import single_model_config


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


def reload_request(*configs: ModelConfig) -> ReloadConfigRequest:
    request = ReloadConfigRequest()
    request.config.model_config_list.config.extend(configs)
    return request


def test_reload_serves_other_models(start_models, example_model: Path, bundle: Path):
    server = start_models(example_model)
    config = single_model_config("affine", str(bundle / "affine"))
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        response = stub.HandleReloadConfigRequest(reload_request(config), timeout=60)
        assert response.HasField("status")
        assert response.status.error_code == 0
        [affine] = stub.GetModelStatus(status_request("affine")).model_version_status
        [examples] = stub.GetModelStatus(status_request("examples")).model_version_status
    assert (affine.version, affine.state) == (7, ModelVersionStatus.AVAILABLE)
    assert examples.state in (ModelVersionStatus.UNLOADING, ModelVersionStatus.END)


@pytest.mark.parametrize(
    ("request_message", "code", "gist"),
    [
        (
            ReloadConfigRequest(),
            grpc.StatusCode.INVALID_ARGUMENT,
            "Only ModelConfigList is currently supported",
        ),
        (
            reload_request(single_model_config("new", "/nowhere")),
            grpc.StatusCode.UNKNOWN,
            "/nowhere",
        ),
    ],
    ids=["no-list", "no-model"],
)
def test_reload_that_fails_changes_nothing(stub, request_message, code, gist: str):
    with pytest.raises(grpc.RpcError) as raised:
        stub.HandleReloadConfigRequest(request_message, timeout=30)
    assert raised.value.code() is code
    assert gist in raised.value.details()
    statuses = stub.GetModelStatus(status_request("search"), timeout=30)
    assert [s.version for s in statuses.model_version_status] == [1, 2]


def test_version_that_cannot_be_loaded_says_why(start_models, example_model, tmp_path):
    base_path = tmp_path / "examples"
    shutil.copytree(example_model, base_path)
    server = start_models(base_path)
    (base_path / "4").mkdir()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        # A reload of the same models reads the file system at once.
        reload = reload_request(single_model_config("examples", str(base_path)))
        stub.HandleReloadConfigRequest(reload, timeout=60)
        statuses = stub.GetModelStatus(status_request("examples")).model_version_status
    served, failed = statuses
    assert (served.version, served.state) == (3, ModelVersionStatus.AVAILABLE)
    assert (failed.version, failed.state) == (4, ModelVersionStatus.END)
    assert failed.status.error_code == grpc.StatusCode.UNKNOWN.value[0]
    assert "no saved_model.pb" in failed.status.error_message
