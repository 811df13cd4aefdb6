"""The status codes of Predict, over real gRPC.

Codes and messages are those of TF-Serving's sources and tests (`predict_util.cc`,
`predict_impl_test.cc`, `server_core.cc`, `basic_manager.cc`) and of the session that
runs its graphs.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest as Request
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from serving.batching.parameters import BatchingParameters
from serving.models.model_config import single_model_config
from serving.models.model_manager import ManagerOptions
from serving.models.servable_loader import LoaderOptions
from tests.serving.toy_http import free_port
from tests.serving.toy_models import QUERIES
from tests.serving.toy_requests import affine_request, arrays, predict_request, wait_until

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def stub(address: str) -> Iterator[PredictionServiceStub]:
    with grpc.insecure_channel(address) as channel:
        yield PredictionServiceStub(channel)


def set_input(request: Request, alias: str, value: np.ndarray) -> None:
    request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))


def set_model(request: Request, name: str) -> None:
    request.model_spec.name = name
    request.ClearField("inputs")


def rename_input(request: Request) -> None:
    request.inputs["X"].CopyFrom(request.inputs.pop("x"))


def unparsable(**fields: object) -> Callable[[Request], None]:
    proto = TensorProto(**fields)
    proto.tensor_shape.dim.add(size=3)
    return lambda request: request.inputs["x"].CopyFrom(proto)


PREDICT_STATUS_CODES = {
    "missing model_spec": (
        lambda r: r.ClearField("model_spec"),
        Code.INVALID_ARGUMENT,
        "Missing ModelSpec",
    ),
    "empty model name": (
        lambda r: setattr(r.model_spec, "name", ""),
        Code.INVALID_ARGUMENT,
        "ModelSpec has no name specified.",
    ),
    "unknown model": (
        lambda r: setattr(r.model_spec, "name", "other"),
        Code.NOT_FOUND,
        "Servable not found for request: Latest(other)",
    ),
    "unknown version": (
        lambda r: setattr(r.model_spec.version, "value", 8),
        Code.NOT_FOUND,
        "Servable not found for request: Specific(affine, 8)",
    ),
    # Version 0 is a version, not an unset field.
    "version zero": (
        lambda r: r.model_spec.version.SetInParent(),
        Code.NOT_FOUND,
        "Servable not found for request: Specific(affine, 0)",
    ),
    "unknown label": (
        lambda r: setattr(r.model_spec, "version_label", "stable"),
        Code.INVALID_ARGUMENT,
        "Unrecognized servable version label: stable",
    ),
    "unknown signature": (
        lambda r: setattr(r.model_spec, "signature_name", "other"),
        Code.FAILED_PRECONDITION,
        'Serving signature key "other" not found.',
    ),
    "signature of the loader": (
        lambda r: setattr(r.model_spec, "signature_name", "__saved_model_init_op"),
        Code.FAILED_PRECONDITION,
        "not found.",
    ),
    "missing input": (
        lambda r: r.inputs.pop("x"),
        Code.INVALID_ARGUMENT,
        "input size does not match signature: 1!=2 len({shift}) != len({shift,x}). "
        "Sent extra: {}. Missing but required: {x}.",
    ),
    "extra input": (
        lambda r: set_input(r, "z", np.zeros(1)),
        Code.INVALID_ARGUMENT,
        "input size does not match signature: 3!=2 len({shift,x,z}) != len({shift,x}). "
        "Sent extra: {z}. Missing but required: {}.",
    ),
    "misnamed input": (
        rename_input,
        Code.INVALID_ARGUMENT,
        "Signature input alias: x(feed name: serving_default_x:0) not found in request",
    ),
    "double for float": (
        lambda r: set_input(r, "x", np.zeros([1, 3])),
        Code.INVALID_ARGUMENT,
        "Expects arg[1] to be float but double is provided",
    ),
    "int64 for int32": (
        lambda r: set_input(r, "shift", np.zeros([1, 1], np.int64)),
        Code.INVALID_ARGUMENT,
        "Expects arg[0] to be int32 but int64 is provided",
    ),
    "float for string": (
        lambda r: (
            set_model(r, "search"),
            set_input(r, "query", np.zeros([1], np.float32)),
        ),
        Code.INVALID_ARGUMENT,
        "Expects arg[0] to be string but float is provided",
    ),
    "string for float": (
        lambda r: set_input(r, "x", np.array([["a", "b", "c"]])),
        Code.INVALID_ARGUMENT,
        "Expects arg[1] to be float but string is provided",
    ),
    "inner size": (
        lambda r: set_input(r, "x", np.zeros([1, 5], np.float32)),
        Code.INVALID_ARGUMENT,
        "Matrix size-incompatible: In[0]: [1,5], In[1]: [3,2]",
    ),
    "rank": (
        lambda r: set_input(r, "x", np.zeros([3], np.float32)),
        Code.INVALID_ARGUMENT,
        "ndims must be >= 2",
    ),
    "batches differ": (
        lambda r: (
            set_input(r, "x", np.zeros([2, 3], np.float32)),
            set_input(r, "shift", np.zeros([3, 1], np.int32)),
        ),
        Code.INVALID_ARGUMENT,
        "ncompatible shapes",
    ),
    "assertion in the graph": (
        lambda r: set_input(r, "shift", np.array([[-1]], np.int32)),
        Code.INVALID_ARGUMENT,
        "shift must not be negative",
    ),
    "content of the wrong size": (
        unparsable(dtype=types_pb2.DT_FLOAT, tensor_content=b"abc"),
        Code.INVALID_ARGUMENT,
        "tensor parsing error: x",
    ),
    "tensor without dtype": (
        unparsable(float_val=[1, 2, 3]),
        Code.INVALID_ARGUMENT,
        "tensor parsing error: x",
    ),
    "tensor of no known dtype": (
        unparsable(dtype=99, float_val=[1, 2, 3]),
        Code.INVALID_ARGUMENT,
        "tensor parsing error: x",
    ),
    "unknown output": (
        lambda r: r.output_filter.append("z"),
        Code.INVALID_ARGUMENT,
        "output tensor alias not found in signature: z",
    ),
    "duplicate output": (
        lambda r: r.output_filter.extend(["y", "y"]),
        Code.INVALID_ARGUMENT,
        "duplicate output tensor alias: y",
    ),
}


@pytest.mark.parametrize("case", PREDICT_STATUS_CODES)
def test_predict_status_codes(stub, case: str):
    spoil, code, gist = PREDICT_STATUS_CODES[case]
    request = affine_request()
    spoil(request)
    with pytest.raises(grpc.RpcError) as raised:
        stub.Predict(request, timeout=30)
    assert raised.value.code() is code
    assert gist in raised.value.details()


def test_server_still_works_after_bad_requests(stub):
    for spoil, _, _ in PREDICT_STATUS_CODES.values():
        request = affine_request()
        spoil(request)
        with pytest.raises(grpc.RpcError):
            stub.Predict(request, timeout=30)
    assert stub.Predict(affine_request(), timeout=30).model_spec.version.value == 7


def test_long_message_is_truncated_as_in_tf_serving(stub):
    request = predict_request("a" * 20_000, query=QUERIES)
    with pytest.raises(grpc.RpcError) as raised:
        stub.Predict(request, timeout=30)
    assert raised.value.code() is Code.NOT_FOUND
    assert raised.value.details().endswith("a...TRUNCATED")
    assert len(raised.value.details()) == 1024 + len("...TRUNCATED")


def slow_request(entered: Path, release: Path, model: str = "slow") -> Request:
    return predict_request(model, entered=[str(entered)], release=[str(release)])


def test_batch_may_be_empty(stub):
    request = predict_request("affine", x=np.zeros([0, 3], np.float32))
    request.model_spec.signature_name = "total"
    assert arrays(stub.Predict(request, timeout=30))["total"].shape == (0,)


def test_deadline_passes_while_the_model_works(start_models, slow_model, tmp_path: Path):
    server = start_models(slow_model)
    entered, release = tmp_path / "entered", tmp_path / "release"
    request = slow_request(entered, release)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        with pytest.raises(grpc.RpcError) as raised:
            PredictionServiceStub(channel).Predict(request, timeout=0.5)
        release.touch()
    assert raised.value.code() is Code.DEADLINE_EXCEEDED


def test_call_cancelled_before_its_turn_is_not_run(
    start_models, slow_model: Path, tmp_path: Path
):
    server = start_models(slow_model, grpc_max_threads=1)
    release = tmp_path / "release"
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = PredictionServiceStub(channel)
        running = stub.Predict.future(slow_request(first, release), timeout=60)
        wait_until(first.exists)
        with pytest.raises(grpc.RpcError) as raised:
            stub.Predict(slow_request(second, release), timeout=0.2)
        release.touch()
        running.result()
        # The only thread takes this request after the cancelled one.
        stub.Predict(slow_request(third, release), timeout=60)
    assert raised.value.code() is Code.DEADLINE_EXCEEDED
    assert third.exists()
    assert not second.exists()


@pytest.fixture
def slow_to_load(slow_model: Path, tmp_path: Path) -> Path:
    """The slow model, with a warm-up that waits for the file `release` beside it."""
    base_path = tmp_path / "loading"
    shutil.copytree(slow_model, base_path)
    request = slow_request(base_path / "entered", base_path / "release")
    log = PredictionLog(predict_log=PredictLog(request=request))
    path = base_path / "1" / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(log.SerializeToString())
    return base_path


def test_port_opens_when_the_models_are_loaded(slow_to_load: Path, start_command):
    port = free_port()
    flags = ("--model_name=slow", f"--model_base_path={slow_to_load}", f"--port={port}")
    process = start_command(*flags)
    wait_until((slow_to_load / "entered").exists)
    request = slow_request(slow_to_load / "entered", slow_to_load / "release")
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    with channel, pytest.raises(grpc.RpcError) as raised:
        PredictionServiceStub(channel).Predict(request, timeout=30)
    assert raised.value.code() is Code.UNAVAILABLE
    (slow_to_load / "release").touch()
    assert process.stdout.readline() == f"serving on 127.0.0.1:{port}: slow (1)\n"
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        response = PredictionServiceStub(channel).Predict(request, timeout=30)
    assert arrays(response)["done"].tolist() == [True]


def test_model_that_is_added_is_unknown_until_it_is_loaded(
    start_models, bundle: Path, slow_to_load: Path
):
    affine = single_model_config("affine", str(bundle / "affine"))
    added = single_model_config("loading", str(slow_to_load))
    server = start_models(affine)
    reload = ReloadConfigRequest()
    reload.config.model_config_list.config.extend([affine, added])
    entered, release = slow_to_load / "entered", slow_to_load / "release"
    request = slow_request(entered, release, model="loading")
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = PredictionServiceStub(channel)
        reloaded = ModelServiceStub(channel).HandleReloadConfigRequest.future(
            reload, timeout=60
        )
        wait_until(entered.exists)
        with pytest.raises(grpc.RpcError) as raised:
            stub.Predict(request, timeout=30)
        # Other models are served meanwhile.
        assert stub.Predict(affine_request(), timeout=30).model_spec.name == "affine"
        assert not reloaded.done()
        release.touch()
        reloaded.result()
        assert arrays(stub.Predict(request, timeout=30))["done"].tolist() == [True]
    assert raised.value.code() is Code.NOT_FOUND
    assert raised.value.details() == "Servable not found for request: Latest(loading)"


@pytest.fixture
def batching_stub(start_models, slow_model: Path) -> Iterator[PredictionServiceStub]:
    """A server that runs one batch of one row, while one more may wait."""
    parameters = BatchingParameters(
        max_batch_size=1, num_batch_threads=1, max_enqueued_batches=1
    )
    loading = ManagerOptions(loader=LoaderOptions(batching=parameters))
    server = start_models(slow_model, loading=loading)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield PredictionServiceStub(channel)


def test_full_batch_queue_is_unavailable(batching_stub, tmp_path: Path):
    entered, release = tmp_path / "entered", tmp_path / "release"
    request = slow_request(entered, release)
    answers = [batching_stub.Predict.future(request, timeout=60)]
    wait_until(entered.exists)
    # One of these waits; the queue has no room for the other.
    answers += [batching_stub.Predict.future(request, timeout=60) for _ in range(2)]
    wait_until(lambda: any(answer.done() for answer in answers))
    release.touch()
    codes = [answer.code() for answer in answers]
    assert sorted(codes, key=str) == sorted([Code.OK, Code.OK, Code.UNAVAILABLE], key=str)
    [refused] = [answer for answer in answers if answer.code() is Code.UNAVAILABLE]
    assert "queue" in refused.details()


def test_batching_requires_a_batch_dimension(start_models, bundle: Path):
    loading = ManagerOptions(loader=LoaderOptions(batching=BatchingParameters()))
    server = start_models(bundle / "affine", loading=loading)
    request = affine_request()
    set_input(request, "shift", np.array(4, np.int32))
    channel = grpc.insecure_channel(f"127.0.0.1:{server.port}")
    with channel, pytest.raises(grpc.RpcError) as raised:
        PredictionServiceStub(channel).Predict(request, timeout=30)
    assert raised.value.code() is Code.INVALID_ARGUMENT
    assert "input tensors must have at least one dimension" in raised.value.details()
