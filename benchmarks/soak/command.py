"""Soak tests of the local server: `python -m benchmarks.soak --suite swap`.

swap     clients search while versions are swapped and the catalogue changes: no request
         may fail, and each response must be that of its version
kill     writers and servers are killed at random times: nothing half-written may be
         served
fuzz     broken requests beside normal ones: right statuses, and memory that comes back
load     clients search for minutes while versions are swapped: memory and latency
memory   distinct random queries: the server's memory must stay constant

All servers listen on the loopback interface only. The exit status is 2 if a test fails.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.soak.fuzz import soak_fuzz
from benchmarks.soak.kill import Commands, soak_kills
from benchmarks.soak.load import LoadWorkload, soak_load
from benchmarks.soak.memory import soak_memory
from benchmarks.soak.swap import SwapWorkload, soak_swaps
from fitrank_tf.cli.options.command import DEFAULT_BUNDLE
from fitrank_tf.core.errors import FitRankError

# The most growth of memory between the first and the last tenth of the queries.
_FLAT_MEBIBYTES = 16.0
_SHOWN = 5

# What broken requests may leave in memory, and how long others may wait beside them.
_MAX_GROWTH = 0.2
_MAX_SECONDS = 1.0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parses the command line; `None` means `sys.argv`."""
    defaults = SwapWorkload()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--suite", required=True, choices=SUITES)
    parser.add_argument(
        "--bundle", default=DEFAULT_BUNDLE, help="bundle to serve; it is not changed"
    )
    parser.add_argument(
        "--clients", type=int, default=defaults.clients, help="swap: number of clients"
    )
    parser.add_argument(
        "--updates",
        type=int,
        default=defaults.updates,
        help="swap: changes of the catalogue",
    )
    parser.add_argument(
        "--swaps",
        type=int,
        default=defaults.swaps,
        help="swap: new versions of the query encoder",
    )
    parser.add_argument("--kills", type=int, default=20, help="kill: number of kills")
    parser.add_argument(
        "--seed", type=int, default=0, help="kill, fuzz: seed of what is random"
    )
    parser.add_argument(
        "--requests", type=int, default=2000, help="fuzz: number of broken requests"
    )
    parser.add_argument(
        "--minutes", type=int, default=LoadWorkload.minutes, help="load: duration"
    )
    parser.add_argument(
        "--queries", type=int, default=100_000, help="memory: number of queries"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None) -> None:
    """Runs the command; `None` means `sys.argv`."""
    options = parse(arguments)
    SUITES[options.suite](options)


def _swap(options: argparse.Namespace) -> None:
    workload = SwapWorkload(options.clients, options.updates, options.swaps)
    report = soak_swaps(Path(options.bundle), workload)
    print(
        f"{workload.clients} clients, {workload.updates} catalogue updates, {report.swaps} "
        f"swaps of the query encoder: {report.requests} searches answered by "
        f"{report.versions} versions, {len(report.failed)} failed, "
        f"{len(report.wrong)} wrong"
    )
    _refuse([*report.failed, *report.wrong])


def _kill(options: argparse.Namespace) -> None:
    commands = Commands(
        change=lambda bundle, item: [
            *("-m", "pipelines.build_index", f"--bundle={bundle}", f"--remove={item}")
        ],
        export=lambda bundle, repository: [
            *("-m", "pipelines.export", f"--bundle={bundle}"),
            f"--output_dir={repository}",
        ],
    )
    kills = soak_kills(Path(options.bundle), options.kills, commands, options.seed)
    print("| killed | after s | was done | faults |")
    print("| --- | ---: | --- | ---: |")
    for kill in kills:
        done = "yes" if kill.finished else "no"
        print(f"| {kill.what} | {kill.seconds:.1f} | {done} | {len(kill.faults)} |")
    _refuse([fault for kill in kills for fault in kill.faults])


def _memory(options: argparse.Namespace) -> None:
    readings = soak_memory(Path(options.bundle), options.queries)
    print("| distinct queries | server's memory MiB |")
    print("| ---: | ---: |")
    for reading in readings:
        print(f"| {reading.queries} | {reading.mebibytes:.1f} |")
    grown = readings[-1].mebibytes - readings[0].mebibytes
    print(f"\n{grown:+.1f} MiB from the first reading to the last")
    if grown > _FLAT_MEBIBYTES:
        _refuse([f"memory grew by {grown:.1f} MiB, more than {_FLAT_MEBIBYTES:.0f}"])


def _load(options: argparse.Namespace) -> None:
    workload = LoadWorkload(options.minutes, options.clients)
    minutes = soak_load(Path(options.bundle), workload)
    print("| minute | answers | p50, ms | p99, ms | memory, MiB | version | failed |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for number, one in enumerate(minutes, start=1):
        print(
            f"| {number} | {one.answers} | {one.median:.1f} | {one.p99:.1f} | "
            f"{one.mebibytes:.0f} | {one.version} | {one.failed} |"
        )
    failed = sum(one.failed for one in minutes)
    _refuse([f"{failed} requests failed"] if failed else [])


def _fuzz(options: argparse.Namespace) -> None:
    report = soak_fuzz(Path(options.bundle), options.requests, options.seed)
    print("| status | requests |")
    print("| --- | ---: |")
    for status, count in sorted(report.statuses.items()):
        print(f"| {status} | {count} |")
    grown = report.after / report.before - 1
    print(
        f"\nmemory {report.before:.0f} MiB before, {report.after:.0f} after "
        f"({grown:+.0%}); the slowest normal request meanwhile took {report.slowest:.2f} s"
    )
    faults = list(report.faults)
    if grown > _MAX_GROWTH:
        faults.append(f"memory grew by {grown:.0%}, more than {_MAX_GROWTH:.0%}")
    if report.slowest > _MAX_SECONDS:
        faults.append(f"a normal request took {report.slowest:.1f} s")
    _refuse(faults)


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        shown = "; ".join(faults[:_SHOWN])
        raise FitRankError(f"{len(faults)} faults, the first: {shown}")


SUITES: dict[str, Callable[[argparse.Namespace], None]] = {
    "swap": _swap,
    "kill": _kill,
    "memory": _memory,
    "fuzz": _fuzz,
    "load": _load,
}
