"""Throughput and latency of a served bundle, compared with a service on PyTorch.

All systems do the same work on the same cores: text tower, exact search of the catalogue,
re-ranking of the candidates. The alternative has the bundle's weights and must return the
same products. Clients run in a closed loop, in a process of their own on the same machine.
"""

import contextlib
import dataclasses
import http.client
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.benchmark_process import BenchmarkProcess
from benchmarks.rivals.torch_search_files import write_torch_search
from benchmarks.server_process import (
    READY_SECONDS,
    free_port,
    local_server,
    serving_process,
)
from benchmarks.serving.search_load import CLIENTS, http_clients, save_queries
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import missing_packages
from fitrank_tf.export.bundle import model_path
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.serving_config import batching_config

IN_PROCESS = "in one process"
PLAIN = "gRPC server"
BATCHED = "gRPC server, batching"
ALTERNATIVE = "FastAPI, PyTorch, faiss"
SYSTEMS = (IN_PROCESS, PLAIN, BATCHED, ALTERNATIVE)
_PACKAGES = ("fastapi", "uvicorn", "torch", "transformers", "faiss")

# The ops of a search are too small to parallelise: with one thread a batch is as fast.
_ONE_THREAD_AN_OP = "--tensorflow_session_parallelism=1"
# More than clients, because a thread waits for its batch.
_GRPC_THREADS = 64

_LOAD = "benchmarks.serving.search_load"
_TOP = 10
# Below 1 because two products with the same score may come in either order.
_MIN_AGREEMENT = 0.98


@dataclasses.dataclass(frozen=True)
class ServingWorkload:
    """How many requests are sent, and how the server batches them.

    Attributes:
        seconds: duration of a turn, for each system and number of clients.
        rounds: number of turns.
        batching: content of the batching parameters file.

    Raises:
        FitRankError: a number is out of range.
    """

    seconds: float = 3.0
    rounds: int = 3
    batching: str = batching_config()

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= 60:
            raise FitRankError(f"--seconds is {self.seconds}; write up to 60, above 0")
        if self.rounds < 1:
            raise FitRankError(f"--rounds is {self.rounds}; write 1 or more")


@dataclasses.dataclass(frozen=True)
class ServingSpeed:
    """The speed of one system with one number of clients; medians of the turns.

    Attributes:
        system: the system's name.
        clients: number of concurrent clients.
        per_second: responses per second.
        median: median latency in milliseconds.
        p99: 99th percentile of the latency in milliseconds.
    """

    system: str
    clients: int
    per_second: float
    median: float
    p99: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The result of the benchmark.

    Attributes:
        speeds: one for each system and number of clients.
        agreement: share of the bundle's first ten products that the alternative returns
            too; None if it did not run.
    """

    speeds: Sequence[ServingSpeed]
    agreement: float | None


def available_systems() -> list[str]:
    """The systems whose packages are installed; prints a line for the others."""
    line = missing_packages(ALTERNATIVE, _PACKAGES)
    if line:
        print(line)
    return [one for one in SYSTEMS if one != ALTERNATIVE or line is None]


def compare_serving(
    bundle: Path, queries: Sequence[str], workload: ServingWorkload, systems: Sequence[str]
) -> Comparison:
    """Starts systems and times their responses to clients, in turns.

    Args:
        bundle: directory of the bundle.
        queries: texts to search for.
        workload: how many requests are sent.
        systems: the systems of `SYSTEMS` to run.

    Raises:
        FitRankError: if the bundle cannot be used, a server does not start, a search
            fails, or the alternative returns other products.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as running:
        folder, agreement, loads = Path(name), None, {}
        save_queries(folder, queries)
        for system in tqdm(systems, desc="starting", disable=None):
            kind, start = _STARTS[system]
            target = running.enter_context(start(bundle, folder, workload))
            if system == ALTERNATIVE:
                agreement = _agreement(bundle, target, queries)
            arguments = (kind, target, str(workload.seconds))
            load = BenchmarkProcess(system, _LOAD, folder, {}, arguments)
            loads[system] = running.enter_context(contextlib.closing(load))
        return Comparison(_measure(loads, workload.rounds), agreement)


@contextlib.contextmanager
def _in_process(bundle: Path, folder: Path, workload: ServingWorkload) -> Iterator[str]:
    """Starts nothing, because the clients load the model; yields its directory."""
    yield str(model_path(bundle, "search"))


def _plain(
    bundle: Path, folder: Path, workload: ServingWorkload
) -> contextlib.AbstractContextManager[str]:
    return _our_server(PLAIN, bundle, folder, [])


def _batched(
    bundle: Path, folder: Path, workload: ServingWorkload
) -> contextlib.AbstractContextManager[str]:
    path = folder / "batching_parameters.pbtxt"
    path.write_text(workload.batching, encoding="utf-8")
    flags = ["--enable_batching", f"--batching_parameters_file={path}"]
    return _our_server(BATCHED, bundle, folder, flags)


@contextlib.contextmanager
def _our_server(
    name: str, bundle: Path, folder: Path, flags: Sequence[str]
) -> Iterator[str]:
    """Serves the bundle's `search` by the local server; yields the address."""
    arguments = [
        *("serving.server", "--model_name=search"),
        f"--model_base_path={(bundle / 'search').resolve()}",
        f"--grpc_max_threads={_GRPC_THREADS}",
        _ONE_THREAD_AN_OP,
        *flags,
    ]
    with local_server(name, arguments, folder / f"{name} server.log") as (address, _):
        yield address


@contextlib.contextmanager
def _torch_server(bundle: Path, folder: Path, workload: ServingWorkload) -> Iterator[str]:
    """Serves the same search by the alternative; yields the address."""
    files, port = folder / "torch_search", free_port()
    files.mkdir()
    write_torch_search(LoadedBundle(bundle), files)
    address = f"127.0.0.1:{port}"
    arguments = ["benchmarks.rivals.torch_search_app", str(files), f"--port={port}"]
    log = folder / "torch server.log"
    ready = (lambda: _is_healthy(address), READY_SECONDS, {"CUDA_VISIBLE_DEVICES": "-1"})
    with serving_process(ALTERNATIVE, arguments, log, *ready):
        yield address


def _is_healthy(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=5.0)
    with contextlib.closing(connection), contextlib.suppress(OSError):
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    return False


_STARTS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    IN_PROCESS: ("saved_model", _in_process),
    PLAIN: ("grpc", _plain),
    BATCHED: ("grpc", _batched),
    ALTERNATIVE: ("http", _torch_server),
}


def _agreement(bundle: Path, address: str, queries: Sequence[str]) -> float:
    ours = LoadedBundle(bundle).answer_queries(queries)["ids"][:, :_TOP]
    search, shared = http_clients(address)(), []
    for query, ids in zip(queries, ours):
        theirs = search(query)["ids"][:_TOP]
        shared.append(len({one.decode() for one in ids} & set(theirs)) / len(ids))
    agreement = statistics.mean(shared)
    if agreement < _MIN_AGREEMENT:
        raise FitRankError(
            f"{ALTERNATIVE} shares {agreement:.1%} of the first {_TOP} products with the "
            "bundle; with these package versions it works otherwise: no speed is reported"
        )
    return agreement


def _measure(loads: Mapping[str, BenchmarkProcess], rounds: int) -> list[ServingSpeed]:
    turns = [
        (clients, system) for _ in range(rounds) for clients in CLIENTS for system in loads
    ]
    # A first turn creates threads, connections and kernels.
    for system in loads:
        loads[system].run(str(CLIENTS[-1]))
    taken: dict[tuple[int, str], list[ServingSpeed]] = {}
    for clients, system in tqdm(turns, desc="clients, in turns", disable=None):
        times = loads[system].run(str(clients))
        taken.setdefault((clients, system), []).append(speed_of(system, clients, times))
    return [_median(speeds) for speeds in taken.values()]


def speed_of(system: str, clients: int, times: np.ndarray) -> ServingSpeed:
    """Computes the speed from the times of one turn.

    Args:
        system: the system's name.
        clients: number of concurrent clients.
        times: float64 [requests, 2], when each request was sent and its response
            received, in seconds.
    """
    waits = 1e3 * (times[:, 1] - times[:, 0])
    wall = times[:, 1].max() - times[:, 0].min()
    median, p99 = np.percentile(waits, [50, 99])
    return ServingSpeed(system, clients, len(times) / wall, float(median), float(p99))


def _median(speeds: Sequence[ServingSpeed]) -> ServingSpeed:
    middle = {
        field: statistics.median(getattr(speed, field) for speed in speeds)
        for field in ("per_second", "median", "p99")
    }
    return dataclasses.replace(speeds[0], **middle)


def serving_table(speeds: Sequence[ServingSpeed]) -> str:
    """A Markdown table with responses per second, also relative to the alternative."""
    heads = ("clients", "system", "answers/s", f"/ {ALTERNATIVE}", "p50, ms", "p99, ms")
    rows = [heads, ("---:", "---", *["---:"] * 4)]
    theirs = {one.clients: one.per_second for one in speeds if one.system == ALTERNATIVE}
    for speed in speeds:
        compared = speed.system != ALTERNATIVE and speed.clients in theirs
        rows.append(
            (
                str(speed.clients),
                speed.system,
                f"{speed.per_second:,.0f}",
                f"{speed.per_second / theirs[speed.clients]:.2f} x" if compared else "",
                f"{speed.median:.1f}",
                f"{speed.p99:.1f}",
            )
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
