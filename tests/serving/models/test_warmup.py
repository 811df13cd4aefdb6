"""Warm-up requests run before a version is served; if one fails, it is not served."""

import shutil
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from fitrank_tf.core.errors import FitRankError
from serving.models.model_manager import ManagerOptions, ModelManager
from serving.models.servable import Servable
from serving.models.version_status import error_code_of
from serving.models.warmup import MAX_RECORDS, WARMUP_FILE, WarmupOptions, warm_up

Code = grpc.StatusCode


class RecordingServable(Servable):
    """Records its runs."""

    def run(self, name, inputs, fetched):
        self.__dict__.setdefault("ran", []).append(name)
        return super().run(name, inputs, fetched)


class ExampleModel(tf.Module):
    """Returns the `price` and the `shop` of serialised tf.Examples."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {
            "price": tf.io.FixedLenFeature([], tf.float32),
            "shop": tf.io.FixedLenFeature([], tf.string, "none"),
        }
        return {"outputs": tf.io.parse_example(inputs, features)["price"]}


def predict_log(signature: str = "total", **inputs: object) -> PredictionLog:
    request = PredictRequest()
    # Warm-up runs on the version being loaded: the model's name is ignored.
    request.model_spec.name = "another"
    request.model_spec.signature_name = signature
    for alias, value in inputs.items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
    log = PredictionLog()
    log.predict_log.request.CopyFrom(request)
    return log


GOOD = predict_log(x=np.ones([2, 3], np.float32))


def write_records(directory: Path, *records: PredictionLog | bytes) -> Path:
    path = directory / WARMUP_FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            is_bytes = isinstance(record, bytes)
            writer.write(record if is_bytes else record.SerializeToString())
    return path


@pytest.fixture
def version(bundle: Path, tmp_path: Path) -> Path:
    directory = tmp_path / "affine" / "7"
    shutil.copytree(bundle / "affine" / "7", directory)
    return directory


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        (WarmupOptions(), 1),
        (WarmupOptions(num_request_iterations_for_warmup=3), 3),
        (WarmupOptions(enable_model_warmup=False), 0),
    ],
)
def test_each_record_runs_the_given_number_of_times(
    version, options: WarmupOptions, runs: int
):
    affine = predict_log("", x=np.ones([1, 3], np.float32), shift=np.array([[1]], np.int32))
    write_records(version, GOOD, affine)
    servable = RecordingServable("affine", 7, version)
    warm_up(servable, version, options)
    ran = ["total"] * runs + ["serving_default"] * runs
    assert servable.__dict__.get("ran", []) == ran


def test_warm_up_file_is_optional(version):
    assert warm_up(Servable("affine", 7, version), version, WarmupOptions()) == 0


def session_run_log() -> PredictionLog:
    log = PredictionLog()
    log.session_run_log.SetInParent()
    return log


@pytest.mark.parametrize(
    ("records", "code", "where"),
    [
        ([GOOD, predict_log("other")], Code.FAILED_PRECONDITION, "record 2"),
        ([predict_log(x=np.ones([2, 3]))], Code.INVALID_ARGUMENT, "record 1"),
        ([predict_log(y=1.0)], Code.INVALID_ARGUMENT, "record 1"),
        ([predict_log(x=np.float32(1))], Code.INVALID_ARGUMENT, "record 1"),
        ([GOOD, GOOD, b"\xff"], Code.INVALID_ARGUMENT, "record 3"),
        ([session_run_log()], Code.UNIMPLEMENTED, "session_run_log"),
        ([GOOD] * (MAX_RECORDS + 1), Code.INVALID_ARGUMENT, "exceeds the maximum"),
    ],
    ids=["signature", "dtype", "alias", "rank", "no-message", "session-run", "too-many"],
)
def test_bad_record_is_named_with_tf_serving_s_code(version, records, code: Code, where):
    path = write_records(version, *records)
    with pytest.raises(FitRankError) as raised:
        warm_up(Servable("affine", 7, version), version, WarmupOptions())
    assert str(raised.value).startswith(f"{path}: ")
    assert where in str(raised.value)
    assert "\n" not in str(raised.value)
    assert error_code_of(raised.value) == code.value[0]


def test_as_many_records_as_tf_serving_allows(version):
    write_records(version, *[GOOD] * MAX_RECORDS)
    servable = Servable("affine", 7, version)
    assert warm_up(servable, version, WarmupOptions()) == MAX_RECORDS


@pytest.mark.parametrize(
    "spoil",
    [lambda content: b"hello, this is no record", lambda content: content[:-5]],
    ids=["no-record", "cut"],
)
def test_file_that_is_not_a_tfrecord_is_data_loss(version, spoil: Callable[[bytes], bytes]):
    path = write_records(version, GOOD)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(FitRankError, match="no TFRecord") as raised:
        warm_up(Servable("affine", 7, version), version, WarmupOptions())
    assert error_code_of(raised.value) == Code.DATA_LOSS.value[0]


def examples_log(kind: str) -> PredictionLog:
    log = PredictionLog()
    request = getattr(log, kind).request
    holder = request.input.example_list_with_context
    holder.context.features.feature["shop"].bytes_list.value.append(b"s")
    for price in (1.0, 2.0):
        example = holder.examples.add()
        example.features.feature["price"].float_list.value.append(price)
    if kind == "multi_inference_log":
        request.tasks.add().model_spec.name = "m"
    return log


@pytest.mark.parametrize("kind", ["regress_log", "classify_log", "multi_inference_log"])
def test_records_of_examples_run_their_signature(tmp_path: Path, kind: str):
    module = ExampleModel()
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.regress)
    write_records(tmp_path / "1", examples_log(kind))
    servable = RecordingServable("m", 1, tmp_path / "1")
    warm_up(servable, tmp_path / "1", WarmupOptions())
    assert servable.ran == ["serving_default"]


@pytest.mark.parametrize("damage", ["no price", "no example", "no example signature"])
def test_records_of_examples_that_cannot_be_run(tmp_path, version, damage: str):
    module = ExampleModel()
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.regress)
    log = examples_log("regress_log")
    examples = log.regress_log.request.input.example_list_with_context.examples
    if damage == "no price":
        examples[0].features.feature.clear()
    if damage == "no example":
        del examples[:]
    directory = version if damage == "no example signature" else tmp_path / "1"
    write_records(directory, log)
    with pytest.raises(FitRankError) as raised:
        warm_up(Servable("m", 1, directory), directory, WarmupOptions())
    assert error_code_of(raised.value) == Code.INVALID_ARGUMENT.value[0]


def test_failing_warm_up_keeps_the_older_version(bundle, version):
    model = version.parent
    config = ModelConfig(name="affine", base_path=str(model), model_platform="tensorflow")
    manager = ModelManager([config], ManagerOptions(file_system_poll_wait_seconds=0))
    new = shutil.copytree(version, model / ".tmp-8")
    write_records(new, predict_log("other"))
    new.rename(model / "8")
    manager.poll()
    assert manager.versions("affine") == [7]
    [_, status] = manager.statuses("affine")
    assert status.error_code == Code.FAILED_PRECONDITION.value[0]
    assert "record 1" in status.error_message
    manager.close()


def test_failing_warm_up_ends_the_start_with_one_line(version):
    path = write_records(version, predict_log("other"))
    config = ModelConfig(name="affine", base_path=str(version.parent))
    with pytest.raises(FitRankError, match="record 1") as raised:
        ModelManager([config], ManagerOptions(file_system_poll_wait_seconds=0))
    assert str(path) in str(raised.value)


def test_negative_number_of_iterations_is_named():
    with pytest.raises(FitRankError, match="--num_request_iterations_for_warmup=-1"):
        WarmupOptions(num_request_iterations_for_warmup=-1)
