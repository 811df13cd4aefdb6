"""Is anything half-written ever served when writers and servers are killed?"""

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
from benchmarks.soak.clients import answers_of, ask
from benchmarks.soak.server import bundle_server, server_command
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.bundle import model_path, model_versions
from fitrank_tf.export.catalogue_models import CATALOGUE_MODELS
from fitrank_tf.export.graphs.served_catalogue import read_catalogue
from fitrank_tf.retrieval.scann_index import load_scann

CHANGE, EXPORT, SERVER = "catalogue change", "export", "server"

_DEADLINE_SECONDS = 60.0
# A poll finds a new version, and loading it takes a while.
_SETTLE_SECONDS = 3.0


@dataclasses.dataclass(frozen=True)
class Commands:
    """Arguments after `python`, made anew for each round.

    Attributes:
        change: takes (bundle, a product's id): removes it from the catalogue.
        export: takes (bundle, repository): hands the bundle's versions over.
    """

    change: Callable[[Path, str], Sequence[str]]
    export: Callable[[Path, Path], Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Kill:
    """One process that was killed.

    Attributes:
        what: one of `CHANGE`, `EXPORT`, `SERVER`.
        seconds: how old it was.
        finished: whether it was done by then.
        faults: what was wrong afterwards, in words.
    """

    what: str
    seconds: float
    finished: bool
    faults: Sequence[str]


def soak_kills(bundle: Path, kills: int, commands: Commands, seed: int) -> list[Kill]:
    """Kills writers and servers (SIGKILL) at random moments, in turns.

    A server reads the bundle all the while; after each kill it must have refused no
    version, answer as the version it names, and every version that is there must load.

    Args:
        bundle: stays as it is; a copy is worked on.
        kills: how many.
        commands: what writes.
        seed: of the moments.

    Raises:
        FitRankError: if there are no kills, or the server does not start.
    """
    if kills < 1:
        raise FitRankError(f"--kills {kills}: write 1 or more")
    # Without its ops `search_scann` does not load; without ScaNN there is none.
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
    """What happens to one copy of a bundle.

    Args:
        bundle: the copy.
        folder: for a repository and servers' files.
        commands: what writes.
        draw: the moments.
    """

    def __init__(self, bundle: Path, folder: Path, commands: Commands, draw: random.Random):
        self._bundle, self._folder = bundle, folder
        self._commands, self._draw = commands, draw
        catalogue = read_catalogue(tf.saved_model.load(str(model_path(bundle, "search"))))
        self._ids, self._query = list(catalogue.ids), catalogue.titles[0]
        self._address = ""
        self._usual: dict[str, float] = {}

    def watch(self, address: str) -> None:
        """Names the server that reads the bundle."""
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
        faults = self._unloadable(self._bundle, CATALOGUE_MODELS) + self._served_wrong()
        return Kill(CHANGE, seconds, finished, faults)

    def kill_export(self) -> Kill:
        """Kills an export into a new repository, then exports to the end."""
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
        """Kills a server of its own, then starts another in its place."""
        other = self._folder / "other"
        other.mkdir(exist_ok=True)
        command = server_command(self._bundle, ["search"], other)
        if SERVER not in self._usual:
            # About as long until it is killed as it takes to start, sometimes longer.
            self._usual[SERVER] = self._start_seconds(other) * 1.5
        seconds, finished = self._kill(SERVER, ["-m", *command, f"--port={free_port()}"])
        faults = ["it ended by itself"] if finished else []
        with bundle_server(self._bundle, ["search"], other) as (address, _):
            faults += self._wrong_answers(address)
        return Kill(SERVER, seconds, finished, faults)

    def _start_seconds(self, folder: Path) -> float:
        started = time.monotonic()
        with bundle_server(self._bundle, ["search"], folder):
            return time.monotonic() - started

    def _time(self, what: str, command: Sequence[str]) -> None:
        """Runs a command to its end once, to know how long that takes."""
        if what not in self._usual:
            started = time.monotonic()
            ran = subprocess.run([sys.executable, *command], capture_output=True, text=True)
            if ran.returncode:
                raise FitRankError(f"the {what} failed: {ran.stderr.strip()[-500:]}")
            self._usual[what] = time.monotonic() - started

    def _kill(self, what: str, command: Sequence[str]) -> tuple[float, bool]:
        """Kills a command at a random moment of its usual time; was it done by then?"""
        seconds = self._draw.uniform(0.0, self._usual[what])
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
        """Versions that a server would see and could not load."""
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

    def _served_wrong(self) -> list[str]:
        """What the server that reads the bundle refused, or says wrongly."""
        request = GetModelStatusRequest()
        request.model_spec.name = "search"
        with grpc.insecure_channel(self._address) as channel:
            told = ModelServiceStub(channel).GetModelStatus(
                request, timeout=_DEADLINE_SECONDS
            )
        faults = [
            f"the server refused version {status.version}: {status.status.error_message}"
            for status in told.model_version_status
            if status.status.error_code
        ]
        return faults + self._wrong_answers(self._address)

    def _wrong_answers(self, address: str) -> list[str]:
        with grpc.insecure_channel(address) as channel:
            version, [answer] = ask(PredictionServiceStub(channel), [self._query])
        served = self._bundle / "search" / str(version)
        wanted = answers_of(served, [self._query])[self._query]
        return [] if answer.agrees(wanted) else [f"version {version} answers wrongly"]
