"""Soak test: memory and latency stay flat under load, while versions are swapped."""

import dataclasses
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import grpc
import numpy as np
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tqdm import tqdm

from benchmarks.soak.clients import ClientThreads, search, served_versions
from benchmarks.soak.memory import resident_mebibytes
from benchmarks.soak.server import bundle_server
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.bundle import model_path
from fitrank_tf.export.signatures import copy_version

_QUERIES = ("red check shirt", "black leather bag", "women's running shoes", "blue jeans")


@dataclasses.dataclass(frozen=True)
class LoadWorkload:
    """How long the load lasts, and what happens meanwhile.

    Attributes:
        minutes: duration.
        clients: clients that search without a pause.
        swaps_a_minute: new versions of `search` that replace the old one.

    Raises:
        FitRankError: a number is out of range.
    """

    minutes: int = 5
    clients: int = 8
    swaps_a_minute: int = 1

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if getattr(self, field.name) < 1:
                raise FitRankError(
                    f"--{field.name} {getattr(self, field.name)}: write 1 or more"
                )


@dataclasses.dataclass(frozen=True)
class Minute:
    """What one minute measured.

    Attributes:
        answers: number of answers.
        median: median latency in milliseconds.
        p99: 99th percentile of the latency in milliseconds.
        mebibytes: resident memory of the server at its end, in MiB.
        version: the newest version served at its end.
        failed: number of failed requests.
    """

    answers: int
    median: float
    p99: float
    mebibytes: float
    version: int
    failed: int


def soak_load(bundle: Path, workload: LoadWorkload) -> Sequence[Minute]:
    """Searches a bundle on a server while versions are swapped.

    Args:
        bundle: directory of the bundle; only a copy of its `search` is changed.
        workload: duration, clients and swaps.

    Raises:
        FitRankError: if the bundle cannot be used, or the server does not start.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        newest = model_path(bundle, "search")
        shutil.copytree(newest, folder / "search" / newest.name)
        running = bundle_server(folder, ["search"], folder)
        with (
            running as (address, process),
            grpc.insecure_channel(address) as channel,
            _Clients(channel, workload.clients) as clients,
        ):
            return [
                _minute(folder / "search", channel, clients, process.pid, workload)
                for _ in tqdm(range(workload.minutes), desc="minutes", disable=None)
            ]


def _minute(
    model: Path,
    channel: grpc.Channel,
    clients: "_Clients",
    pid: int,
    workload: LoadWorkload,
) -> Minute:
    for _ in range(workload.swaps_a_minute):
        newest = max(model.iterdir(), key=lambda path: int(path.name))
        copy_version(newest, model / str(int(newest.name) + 1))
        time.sleep(60 / workload.swaps_a_minute)
    waits, failed = clients.take()
    median, p99 = np.percentile(waits, [50, 99]) * 1e3 if waits else (np.nan, np.nan)
    version = max(served_versions(channel, "search"))
    memory = resident_mebibytes(pid)
    return Minute(len(waits), float(median), float(p99), memory, version, failed)


class _Clients(ClientThreads):
    """Clients that search without a pause, each waiting for its answer."""

    def __init__(self, channel: grpc.Channel, count: int) -> None:
        self._stub = PredictionServiceStub(channel)
        self._waits: list[float] = []
        self._failed = 0
        super().__init__(count)

    def take(self) -> tuple[list[float], int]:
        """The latencies in seconds since the last call, and the number of failures."""
        with self._lock:
            taken = self._waits, self._failed
            self._waits, self._failed = [], 0
            return taken

    def run(self, number: int) -> None:
        """Searches and notes how long it took."""
        while not self._stopped.is_set():
            number += 1
            started = time.perf_counter()
            try:
                search(self._stub, [_QUERIES[number % len(_QUERIES)]])
            except grpc.RpcError:
                with self._lock:
                    self._failed += 1
                continue
            with self._lock:
                self._waits.append(time.perf_counter() - started)
