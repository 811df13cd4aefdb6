"""The command: ready line, errors in one line, drain on SIGTERM."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from fitrank_tf.errors import FitRankError
from serving.client import SearchClient
from serving.model_manager import ManagerOptions, ModelManager
from serving.server import ServerOptions, main, serve

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 120.0


class SlowModel(tf.Module):
    """Writes the file `entered`, then answers as soon as the file `release` exists."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([], tf.string, name="entered"),
            tf.TensorSpec([], tf.string, name="release"),
        ]
    )
    def wait(self, entered: tf.Tensor, release: tf.Tensor) -> dict[str, tf.Tensor]:
        tf.io.write_file(entered, "")
        rounds = tf.while_loop(
            lambda _: tf.equal(tf.size(tf.io.matching_files(release)), 0),
            lambda count: (count + 1,),
            (tf.constant(0),),
        )[0]
        return {"done": rounds >= 0}


@pytest.fixture
def start_command() -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts `python -m serving.server` on a free port; kills what is left of it."""
    processes: list[subprocess.Popen] = []

    def start(*flags: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving.server", "--port=0", *flags],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def refuses_connections(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=0.2)
        except grpc.FutureTimeoutError:
            return True
        return False


def test_sigterm_finishes_the_request_in_work_and_exits_with_0(tmp_path, start_command):
    slow = SlowModel()
    tf.saved_model.save(slow, str(tmp_path / "slow" / "1"), signatures=slow.wait)
    process = start_command("--model_name=slow", f"--model_base_path={tmp_path / 'slow'}")
    ready = process.stdout.readline()
    assert ready.startswith("serving on 127.0.0.1:")
    assert ready.endswith(": slow (1)\n")
    address = ready.split()[2].rstrip(":")

    entered, release = tmp_path / "entered", tmp_path / "release"
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "slow"
    request.inputs["entered"].CopyFrom(tf.make_tensor_proto(str(entered)))
    request.inputs["release"].CopyFrom(tf.make_tensor_proto(str(release)))
    with grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        answer = stub.Predict.future(request, timeout=PATIENCE)
        wait_until(entered.exists)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses_connections(address))
        assert not answer.done()
        release.touch()
        assert tf.make_ndarray(answer.result().outputs["done"])
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_model_without_a_version_ends_the_start_with_one_line(tmp_path, start_command):
    config = tmp_path / "models.config"
    config.write_text(
        'model_config_list { config { name: "search" model_platform: "tensorflow" '
        f'base_path: "{tmp_path / "nothing"}" }} }}'
    )
    process = start_command(f"--model_config_file={config}")
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert output == ""
    assert "Traceback" not in errors
    [line] = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert str(tmp_path / "nothing") in line
    assert "make train" in line


@pytest.mark.parametrize(
    ("flags", "gist"),
    [
        ([], "either --model_config_file or --model_base_path"),
        (
            ["--model_config_file=x", "--model_base_path=y"],
            "either --model_config_file or --model_base_path",
        ),
        (["--model_config_file=no_such_file"], "no_such_file"),
        (["--model_base_path=x", "--port=70000"], "--port=70000"),
        (["--model_base_path=x", "--grpc_max_threads=0"], "--grpc_max_threads=0"),
    ],
)
def test_bad_options_give_one_line(capsys, flags: list[str], gist: str):
    assert main(flags) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert gist in line


@pytest.mark.parametrize("flag", ["--rest_api_prot=1", "--model_config=x", "--prot=1"])
def test_unknown_and_abbreviated_flags_are_refused(capsys, flag: str):
    with pytest.raises(SystemExit) as raised:
        main([flag])
    assert raised.value.code == 2
    assert f"unrecognized arguments: {flag}" in capsys.readouterr().err


def test_port_in_use_is_an_error(address: str):
    port = int(address.rpartition(":")[2])
    with pytest.raises(FitRankError, match=f"cannot listen on {address}"):
        serve(
            ModelManager([], ManagerOptions(file_system_poll_wait_seconds=0)),
            ServerOptions(port=port),
        )


def test_served_search_is_reached_by_the_client(address: str):
    with SearchClient(address) as client:
        [hits] = client.search(["red shirt"])
    assert [hit.id for hit in hits] == ["11", "12", "13"]


@pytest.mark.parametrize("path", sorted((REPOSITORY / "serving").glob("*.py")), ids=str)
def test_serving_imports_no_training_code(path: Path):
    modules = re.findall(r"^\s*(?:from|import) ([\w.]+)", path.read_text(), re.MULTILINE)
    ours = {name for name in modules if name.split(".")[0] in {"fitrank_tf", "pipelines"}}
    assert ours <= {"fitrank_tf", "fitrank_tf.errors", "fitrank_tf.filter_options"}
