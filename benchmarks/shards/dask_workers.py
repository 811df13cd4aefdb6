"""`fitrank build-catalogue` on one and on two worker processes of Dask, each of one thread.

python -m benchmarks.shards.dask_workers --output_dir /tmp/shards --shard_size 50 \\
    --num_items 500

Prints JSON: seconds with and without the loading of models, their ratios, and the peak
memory of each worker after every shard. All other arguments go to `build-catalogue`.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from fitrank_tf.cli.engine import build_catalogue
from fitrank_tf.cli.options.catalogue import catalogue_source
from fitrank_tf.core.packages import imports_of
from fitrank_tf.datasets.catalogue import open_catalogue

with imports_of("dask"):
    from distributed import LocalCluster

_SECONDS_BETWEEN_LOOKS = 0.2
# More threads would let one worker use the second worker's core.
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


@dataclasses.dataclass(frozen=True)
class WorkersRun:
    """One run of the command.

    Attributes:
        workers: number of processes.
        products: that were written.
        seconds: from the command's start to its end.
        products_a_second: after every worker had time for its first shard: no model is
            loaded from then on. None if there are no more shards than workers.
        peak_mib: {process id: peaks of its resident memory in MiB, one for each shard
            that any worker finished}.
    """

    workers: int
    products: int
    seconds: float
    products_a_second: float | None
    peak_mib: dict[int, list[int]]


def run_workers(workers: int, folder: Path, arguments: Sequence[str]) -> WorkersRun:
    """Runs the command once on a new cluster.

    Args:
        workers: number of processes.
        folder: for the shards; without any yet.
        arguments: of `build-catalogue`.
    """
    for name in _ONE_THREAD:
        os.environ[name] = "1"
    with LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, memory_limit=0
    ) as cluster:
        processes = [worker.pid for worker in cluster.workers.values()]
        address = f"--dask_client_address={cluster.scheduler_address}"
        beam = ["--runner=DaskRunner", address, "--dask_npartitions=1000"]
        with _peaks(processes, folder) as peaks:
            begin = time.perf_counter()
            build_catalogue.main(["--output_dir", str(folder), *arguments, *beam])
            seconds = time.perf_counter() - begin
    shards = sorted(folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime)
    rows = [pq.read_metadata(path).num_rows for path in shards]
    rate = None
    if len(shards) > workers:
        first, last = shards[workers - 1].stat().st_mtime, shards[-1].stat().st_mtime
        rate = sum(rows[workers:]) / (last - first)
    return WorkersRun(workers, sum(rows), seconds, rate, peaks)


def compared(runs: Sequence[WorkersRun]) -> dict[str, Any]:
    """The runs, and how many times as fast the last is as the first."""
    one, two = runs[0], runs[-1]
    slow, fast = one.products_a_second, two.products_a_second
    return {
        "runs": [dataclasses.asdict(run) for run in runs],
        "times_as_fast_with_loading": one.seconds / two.seconds,
        "times_as_fast_without_loading": fast / slow if slow and fast else None,
    }


@contextlib.contextmanager
def _peaks(processes: Sequence[int], folder: Path) -> Iterator[dict[int, list[int]]]:
    """Notes each process's peak memory whenever another shard is there."""
    peaks: dict[int, list[int]] = {process: [] for process in processes}
    ended = threading.Event()

    def look() -> None:
        seen, is_over = 0, False
        while not is_over:
            is_over = ended.wait(_SECONDS_BETWEEN_LOOKS)
            there = len(list(folder.glob("*.parquet")))
            for process in processes if there > seen else ():
                peaks[process].extend([_peak_mib(process)] * (there - seen))
            seen = there

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield peaks
    finally:
        ended.set()
        looking.join()


def _peak_mib(process: int) -> int:
    """The highest resident memory of a process so far."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) // 1024


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--output_dir", type=Path, required=True, help="a new folder")
    options, arguments = parser.parse_known_args()
    options.output_dir.mkdir(parents=True)
    # Prepared once, before anything is timed.
    built, _ = build_catalogue.parse(["--output_dir", "", *arguments])
    open_catalogue(catalogue_source(built), built.data_dir)
    runs = [run_workers(n, options.output_dir / str(n), arguments) for n in (1, 2)]
    print(json.dumps(compared(runs), indent=1))


if __name__ == "__main__":
    main()
