"""The command: ready line, one-line errors, drain on SIGTERM and SIGINT."""

import contextlib
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from fitrank_tf.client.search_client import SearchClient
from fitrank_tf.core.errors import FitRankError
from serving.models.model_manager import ManagerOptions, ModelManager
from serving.process.options import ServerOptions
from serving.server import main, serve
from tests.serving.toy_http import call, free_port
from tests.serving.toy_requests import affine_request, arrays, predict_request, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 20.0


def refuses_connections(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=0.2)
        except grpc.FutureTimeoutError:
            return True
        return False


@dataclass
class SlowServer:
    """A command that serves the slow model, with a request in progress on each port."""

    process: subprocess.Popen
    address: str
    rest_port: int
    release: Path
    clients: ThreadPoolExecutor
    answers: list[Future]


@pytest.fixture
def slow_server(tmp_path, slow_model, start_command) -> Iterator[Callable[..., SlowServer]]:
    """Starts the command, and waits until its requests are in progress."""
    with ThreadPoolExecutor(4) as clients, contextlib.ExitStack() as killed:

        def start(*flags: str) -> SlowServer:
            rest_port = free_port()
            process = start_command(
                "--model_name=slow",
                f"--model_base_path={slow_model}",
                f"--rest_api_port={rest_port}",
                # Two waiting requests would take all threads of a small machine.
                "--tensorflow_inter_op_parallelism=8",
                *flags,
            )
            # Runs before the clients are joined.
            killed.callback(process.kill)
            ready = process.stdout.readline()
            assert ready.startswith("serving on 127.0.0.1:")
            assert ready.endswith(f", REST on 127.0.0.1:{rest_port}: slow (1)\n")
            address = ready.split()[2].rstrip(",")
            release = tmp_path / "release"
            entered = [tmp_path / "entered-grpc", tmp_path / "entered-rest"]
            answers = [
                clients.submit(ask_grpc, address, entered[0], release),
                clients.submit(ask_rest, rest_port, entered[1], release),
            ]
            wait_until(lambda: all(path.exists() for path in entered))
            return SlowServer(process, address, rest_port, release, clients, answers)

        yield start


def ask_grpc(address: str, entered: Path, release: Path) -> bool:
    request = predict_request("slow", entered=[str(entered)], release=[str(release)])
    with grpc.insecure_channel(address) as channel:
        answer = PredictionServiceStub(channel).Predict(request, timeout=PATIENCE)
    return bool(arrays(answer)["done"][0])


def ask_rest(port: int, entered: Path, release: Path) -> bool:
    row = {"entered": str(entered), "release": str(release)}
    reply = call(port, "POST", "/v1/models/slow:predict", {"instances": [row]})
    return reply.json == {"predictions": [True]}


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionError:
        return True
    return False


def test_sigterm_finishes_the_requests_in_progress_and_exits_with_0(slow_server):
    server = slow_server()
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: refuses_connections(server.address) and refuses(server.rest_port))
    assert not any(answer.done() for answer in server.answers)
    server.release.touch()
    assert [answer.result(PATIENCE) for answer in server.answers] == [True, True]
    _, errors = server.process.communicate(timeout=PATIENCE)
    assert server.process.returncode == 0
    assert "Traceback" not in errors


def test_second_signal_ends_the_server_at_once(slow_server):
    server = slow_server()
    server.process.send_signal(signal.SIGINT)
    wait_until(lambda: refuses_connections(server.address))
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(PATIENCE) == 128 + signal.SIGINT
    # The requests were never released.
    assert all(answer.exception(PATIENCE) for answer in server.answers)


def test_requests_longer_than_the_drain_are_abandoned(slow_server):
    server = slow_server("--drain_seconds=0.1")
    server.process.send_signal(signal.SIGTERM)
    _, errors = server.process.communicate(timeout=PATIENCE)
    assert server.process.returncode == 0
    assert "it is given up" in errors
    assert all(answer.exception(PATIENCE) for answer in server.answers)


def test_requests_under_load_are_all_served_or_refused(bundle: Path, start_command):
    process = start_command("--model_name=affine", f"--model_base_path={bundle / 'affine'}")
    address = process.stdout.readline().split()[2].rstrip(":")
    started = threading.Event()

    def ask(channel: grpc.Channel) -> int:
        """Sends requests until the server is gone; returns the number of responses."""
        stub = PredictionServiceStub(channel)
        answered = 0
        while True:
            try:
                answer = arrays(stub.Predict(affine_request(), timeout=PATIENCE))
            except grpc.RpcError as error:
                # Refused, so it can be sent to another server; no request is lost half way.
                assert error.code() is grpc.StatusCode.UNAVAILABLE
                return answered
            assert answer["y"].tolist() == [[305.0, 324.0]]
            answered += 1
            if answered == 20:
                started.set()

    with ThreadPoolExecutor(4) as clients, grpc.insecure_channel(address) as channel:
        asked = [clients.submit(ask, channel) for _ in range(4)]
        assert started.wait(PATIENCE)
        process.send_signal(signal.SIGTERM)
        assert sum(client.result(PATIENCE) for client in asked) >= 20
    assert process.wait(PATIENCE) == 0


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
    assert ours <= {"fitrank_tf", "fitrank_tf.core.errors", "fitrank_tf.core.filters"}
