"""Soak test: nothing half-written is served when writers and servers are killed."""

import contextlib
import dataclasses
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tqdm import tqdm

from benchmarks.server_process import free_port
from benchmarks.soak.clients import expected_results, search
from benchmarks.soak.server import bundle_server, server_command
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.bundle import model_path, model_versions
from fitrank_tf.export.catalogue_models import CATALOGUE_MODELS
from fitrank_tf.export.graphs.served_catalogue import read_catalogue
from fitrank_tf.retrieval.scann_index import load_scann

CHANGE, EXPORT, SERVER = "catalogue change", "export", "server"

_DEADLINE_SECONDS = 60.0
# Time for the server to find and load a new version.
_SETTLE_SECONDS = 3.0


@dataclasses.dataclass(frozen=True)
class Commands:
    """Functions that make the commands to be killed, as arguments of `python`.

    Attributes:
        change: (bundle, product id) -> command that removes a product.
        export: (bundle, repository) -> command that exports the bundle's versions.
    """

    change: Callable[[Path, str], Sequence[str]]
    export: Callable[[Path, Path], Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Kill:
    """A process that was killed.

    Attributes:
        what: one of `CHANGE`, `EXPORT`, `SERVER`.
        seconds: age of the process when it was killed.
        finished: whether it had ended before.
        faults: messages about faults found afterwards.
    """

    what: str
    seconds: float
    finished: bool
    faults: Sequence[str]


def soak_kills(bundle: Path, kills: int, commands: Commands, seed: int) -> list[Kill]:
    """Kills writers and servers (SIGKILL) at random times, in turns.

    Another server polls the bundle throughout. After each kill it must have loaded every
    version and respond like the version that it names, and every version must load.

    Args:
        bundle: directory of the bundle; only a copy is changed.
        kills: number of kills.
        commands: the commands to kill.
        seed: seed of the random times.

    Raises:
        FitRankError: if `kills` is below 1, or a server or a command fails.
    """
    if kills < 1:
        raise FitRankError(f"--kills {kills}: write 1 or more")
    # `search_scann` needs ScaNN's ops to load; without ScaNN there is no such model.
    with contextlib.suppress(FitRankError):
        load_scann("scann_ops")
    with tempfile.TemporaryDirectory(dir=bundle.parent) as name:
        folder = Path(name)
        copy = shutil.copytree(bundle, folder / "bundle")
        rounds = _Rounds(copy, folder, commands, random.Random(seed))
        with bundle_server(copy, ["search"], folder) as (address, _):
            rounds.watch(address)
            turns = [rounds.kill_change, rounds.kill_export, rounds.kill_server]
            return [
                turns[number % len(turns)]()
                for number in tqdm(range(kills), desc="kills", disable=None)
            ]


class _Rounds:
    """The kills on one copy of a bundle.

    Args:
        bundle: directory of the copy.
        folder: directory for a repository and files of servers.
        commands: the commands to kill.
        draw: random numbers for the times.
    """

    def __init__(self, bundle: Path, folder: Path, commands: Commands, draw: random.Random):
        self._bundle, self._folder = bundle, folder
        self._commands, self._draw = commands, draw
        catalogue = read_catalogue(tf.saved_model.load(str(model_path(bundle, "search"))))
        self._ids, self._query = list(catalogue.ids), catalogue.titles[0]
        self._address = ""
        self._durations: dict[str, float] = {}

    def watch(self, address: str) -> None:
        """Sets the address of the server that polls the bundle."""
        self._address = address

    def kill_change(self) -> Kill:
        """Kills a change of the catalogue."""
        self._time(CHANGE, self._commands.change(self._bundle, self._ids.pop()))
        seconds, finished = self._kill(
            CHANGE, self._commands.change(self._bundle, self._ids[-1])
        )
        if finished:
            self._ids.pop()
        time.sleep(_SETTLE_SECONDS)
        faults = self._unloadable(self._bundle, CATALOGUE_MODELS) + self._serving_faults()
        return Kill(CHANGE, seconds, finished, faults)

    def kill_export(self) -> Kill:
        """Kills an export into a new repository, then runs a complete export."""
        repository = self._folder / "repository"
        self._time(EXPORT, self._commands.export(self._bundle, repository))
        shutil.rmtree(repository, ignore_errors=True)
        command = self._commands.export(self._bundle, repository)
        seconds, finished = self._kill(EXPORT, command)
        models = [path.name for path in repository.glob("*") if path.is_dir()]
        faults = self._unloadable(repository, models)
        if subprocess.run([sys.executable, *command], capture_output=True).returncode:
            faults.append("an export after the killed one failed")
        return Kill(EXPORT, seconds, finished, faults)

    def kill_server(self) -> Kill:
        """Kills a second server, then starts another in its place."""
        other = self._folder / "other"
        other.mkdir(exist_ok=True)
        command = server_command(self._bundle, ["search"], other)
        if SERVER not in self._durations:
            # Kill times cover the start of the server and half as long again.
            self._durations[SERVER] = self._start_seconds(other) * 1.5
        seconds, finished = self._kill(SERVER, ["-m", *command, f"--port={free_port()}"])
        faults = ["the server ended by itself"] if finished else []
        with bundle_server(self._bundle, ["search"], other) as (address, _):
            faults += self._wrong_results(address)
        return Kill(SERVER, seconds, finished, faults)

    def _start_seconds(self, folder: Path) -> float:
        started = time.monotonic()
        with bundle_server(self._bundle, ["search"], folder):
            return time.monotonic() - started

    def _time(self, what: str, command: Sequence[str]) -> None:
        """Runs a command to its end, the first time, to measure its duration."""
        if what not in self._durations:
            started = time.monotonic()
            ran = subprocess.run([sys.executable, *command], capture_output=True, text=True)
            if ran.returncode:
                raise FitRankError(f"the {what} failed: {ran.stderr.strip()[-500:]}")
            self._durations[what] = time.monotonic() - started

    def _kill(self, what: str, command: Sequence[str]) -> tuple[float, bool]:
        """Kills a command at a random time; (seconds, whether it had ended before)."""
        seconds = self._draw.uniform(0.0, self._durations[what])
        process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        finished = process.poll() is not None
        process.kill()
        process.wait()
        return seconds, finished

    def _unloadable(self, folder: Path, models: Sequence[str]) -> list[str]:
        """Messages about versions of models that cannot be loaded."""
        faults = []
        for name in models:
            for version in model_versions(folder, name):
                path = folder / name / str(version)
                try:
                    tf.saved_model.load(str(path))
                except (OSError, ValueError, tf.errors.OpError) as error:
                    reason = str(error).splitlines()[0]
                    faults.append(f"{path} does not load: {reason}")
        return faults

    def _serving_faults(self) -> list[str]:
        """Faults of the server that polls the bundle: failed loads and wrong results."""
        request = GetModelStatusRequest()
        request.model_spec.name = "search"
        with grpc.insecure_channel(self._address) as channel:
            response = ModelServiceStub(channel).GetModelStatus(
                request, timeout=_DEADLINE_SECONDS
            )
        faults = [
            f"server failed to load version {status.version}: {status.status.error_message}"
            for status in response.model_version_status
            if status.status.error_code
        ]
        return faults + self._wrong_results(self._address)

    def _wrong_results(self, address: str) -> list[str]:
        with grpc.insecure_channel(address) as channel:
            version, [result] = search(PredictionServiceStub(channel), [self._query])
        served = self._bundle / "search" / str(version)
        wanted = expected_results(served, [self._query])[self._query]
        return [] if result.agrees(wanted) else [f"version {version} returns wrong results"]
