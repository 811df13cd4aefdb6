"""Speed of candidate search, compared with faiss and hnswlib at the same recall.

Every system gets the same vectors and queries, in a process of its own on the same cores.
Indexes are built one after the other. Each is then searched with increasing effort, and all
are timed in turns at the fastest effort that finds 95% of the true neighbours.
"""

import contextlib
import dataclasses
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.benchmark_process import BenchmarkProcess
from benchmarks.index.sample_embeddings import (
    PASSING_SHARES,
    SampleEmbeddings,
    exact_neighbours,
    passing_filter,
)
from benchmarks.index.systems import Effort, IndexSystem, OurExact, OurScann
from benchmarks.index.work import (
    BUILD,
    MEMORY,
    NEIGHBOURS,
    Search,
    save_sample,
)
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import missing_packages

RECALL = 0.95

_MODULE = "benchmarks.index.work"
# A turn repeats a search for about this many seconds.
_TURN_SECONDS = 0.3
_MAX_STEPS = 50


@dataclasses.dataclass(frozen=True)
class IndexWorkload:
    """How much is searched.

    Attributes:
        queries: queries per batch.
        singles: how many of them are also searched one by one.
        rounds: turns of each system.

    Raises:
        FitRankError: a number is below 1, or `singles` exceeds `queries`.
    """

    queries: int = 1000
    singles: int = 100
    rounds: int = 5

    def __post_init__(self) -> None:
        for field in ("queries", "singles", "rounds"):
            if getattr(self, field) < 1:
                raise FitRankError(f"--{field} is {getattr(self, field)}; write 1 or more")
        if self.singles > self.queries:
            raise FitRankError(
                f"--singles is {self.singles}; there are only {self.queries} --queries"
            )


@dataclasses.dataclass(frozen=True)
class Trial:
    """The recall and speed of one system at one effort.

    Attributes:
        number: index of the effort in `IndexSystem.efforts`.
        effort: the search parameters.
        recall: share of the true neighbours that are found.
        seconds: time of one batch.
    """

    number: int
    effort: Effort
    recall: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class FilteredSpeed:
    """The speed of a system's filtered search, at the effort chosen without a filter.

    Attributes:
        share: of the vectors that pass.
        recall: share of the true neighbours among them that are found.
        single: queries per second, one by one.
        batched: queries per second, all in one call.
    """

    share: float
    recall: float
    single: float
    batched: float


@dataclasses.dataclass(frozen=True)
class IndexSpeed:
    """The speed of one system for one catalogue size and number of neighbours.

    Attributes:
        system: the system.
        num_items: number of vectors.
        k: number of neighbours.
        chosen: the fastest trial that reaches `RECALL`, or the one with the highest
            recall if none does.
        trials: one trial for each effort.
        single: queries per second, one by one.
        batched: queries per second, all in one call.
        build_seconds: time to build the index.
        memory: MiB of the process for the index, vectors included.
        filtered: the speeds with filters; none of a system that is not timed with them.
    """

    system: type[IndexSystem]
    num_items: int
    k: int
    chosen: Trial
    trials: Sequence[Trial]
    single: float
    batched: float
    build_seconds: float
    memory: float
    filtered: Sequence[FilteredSpeed] = ()


def available(systems: Sequence[type[IndexSystem]]) -> list[type[IndexSystem]]:
    """The systems that can run here; prints a line for each of the others."""
    lines = {one: missing_packages(one.name, one.packages) for one in systems}
    for line in filter(None, lines.values()):
        print(line)
    return [one for one in systems if lines[one] is None]


def compare_indexes(
    sample: SampleEmbeddings, systems: Sequence[type[IndexSystem]], workload: IndexWorkload
) -> list[IndexSpeed]:
    """Builds the indexes of systems and times their searches.

    Args:
        sample: vectors, at least 1000, and queries.
        systems: systems that can run here.
        workload: how much is searched.

    Returns:
        One speed for each system and number of neighbours.

    Raises:
        FitRankError: if the process of a system ends, or an exact system is not exact.
    """
    truth = exact_neighbours(sample, max(NEIGHBOURS))
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as processes:
        save_sample(Path(name), sample)
        running = {
            system: processes.enter_context(
                contextlib.closing(_start(system, Path(name), workload))
            )
            for system in systems
        }
        built = _build(running, len(sample.vectors))
        speeds = []
        for k in NEIGHBOURS:
            trials = _try_efforts(running, truth[:, :k], len(sample.vectors))
            chosen = {system: _choose(trials[system]) for system in running}
            rates = _time(running, k, chosen, workload)
            filtered = _filtered(running, k, chosen, workload, sample)
            speeds += [
                IndexSpeed(
                    system=system,
                    num_items=len(sample.vectors),
                    k=k,
                    chosen=chosen[system],
                    trials=trials[system],
                    single=rates[system, True],
                    batched=rates[system, False],
                    build_seconds=built[system][0],
                    memory=built[system][1],
                    filtered=filtered[system],
                )
                for system in running
            ]
        return speeds


def _start(
    system: type[IndexSystem], folder: Path, workload: IndexWorkload
) -> BenchmarkProcess:
    arguments = (system.name, str(workload.singles))
    return BenchmarkProcess(system.name, _MODULE, folder, {}, arguments)


Processes = Mapping[type[IndexSystem], BenchmarkProcess]


def _build(
    running: Processes, num_items: int
) -> dict[type[IndexSystem], tuple[float, float]]:
    """Builds all indexes; {system: (seconds, MiB)}."""
    built = {}
    for system, process in running.items():
        parts = tqdm(system.parts(num_items), desc=f"building {system.name}", disable=None)
        seconds = sum(process.time(BUILD, 1)[0] for _ in parts)
        built[system] = seconds, float(process.run(MEMORY))
        print(f"{system.name}: {num_items:,} vectors in {seconds:.0f} s", flush=True)
    return built


def _try_efforts(
    running: Processes, truth: np.ndarray, num_items: int
) -> dict[type[IndexSystem], list[Trial]]:
    k = truth.shape[1]
    trials: dict[type[IndexSystem], list[Trial]] = {}
    for system, process in running.items():
        efforts = system.efforts(num_items, k)
        bar = tqdm(efforts, desc=f"{system.name}, {k} neighbours", disable=None)
        for number, effort in enumerate(bar):
            operation = Search(k, number, one_by_one=False).operation
            recall = _recall(process.run(operation), truth)
            if system.is_exact and recall < 0.999:
                raise FitRankError(
                    f"{system.name} finds {recall:.1%} of the true neighbours, so it is "
                    "not exact with this package version; no speed is reported"
                )
            trial = Trial(number, effort, recall, min(process.time(operation, 2)))
            trials.setdefault(system, []).append(trial)
    return trials


def _recall(found: np.ndarray, truth: np.ndarray) -> float:
    hits = [len(np.intersect1d(row, true)) for row, true in zip(found, truth, strict=True)]
    return sum(hits) / truth.size


def _choose(trials: Sequence[Trial]) -> Trial:
    enough = [trial for trial in trials if trial.recall >= RECALL]
    if not enough:
        return max(trials, key=lambda trial: trial.recall)
    return min(enough, key=lambda trial: trial.seconds)


def _time(
    running: Processes,
    k: int,
    chosen: Mapping[type[IndexSystem], Trial],
    workload: IndexWorkload,
    share: float = 1.0,
) -> dict[tuple[type[IndexSystem], bool], float]:
    """Times all systems in turns; {(system, one by one): median queries per second}."""
    counts = {True: workload.singles, False: workload.queries}
    operations = {
        (system, one_by_one): Search(k, chosen[system].number, one_by_one, share).operation
        for one_by_one in counts
        for system in running
    }
    steps = {
        key: _steps(running[key[0]], operation) for key, operation in operations.items()
    }
    taken: dict[tuple[type[IndexSystem], bool], list[float]] = {
        key: [] for key in operations
    }
    for _ in tqdm(range(workload.rounds), desc=f"{k} neighbours, in turns", disable=None):
        for key, operation in operations.items():
            taken[key].append(
                statistics.median(running[key[0]].time(operation, steps[key]))
            )
    return {key: counts[key[1]] / statistics.median(times) for key, times in taken.items()}


def _filtered(
    running: Processes,
    k: int,
    chosen: Mapping[type[IndexSystem], Trial],
    workload: IndexWorkload,
    sample: SampleEmbeddings,
) -> dict[type[IndexSystem], list[FilteredSpeed]]:
    """Tries and times the systems with a filter of each of `PASSING_SHARES`."""
    speeds: dict[type[IndexSystem], list[FilteredSpeed]] = {one: [] for one in running}
    filtering = {one: of for one, of in running.items() if one.can_filter}
    for share in PASSING_SHARES:
        rows = np.flatnonzero(passing_filter(len(sample.vectors), share))
        passing = SampleEmbeddings(sample.vectors[rows], sample.queries)
        truth = rows[exact_neighbours(passing, k)]
        rates = _time(filtering, k, chosen, workload, share)
        for system, process in filtering.items():
            found = process.run(Search(k, chosen[system].number, False, share).operation)
            rate = rates[system, True], rates[system, False]
            speeds[system].append(FilteredSpeed(share, _recall(found, truth), *rate))
    return speeds


def _steps(process: BenchmarkProcess, operation: str) -> int:
    [seconds] = process.time(operation, 1)
    return max(1, min(_MAX_STEPS, round(_TURN_SECONDS / seconds)))


def index_table(speeds: Sequence[IndexSpeed]) -> str:
    """A Markdown table of the systems, with the speed-up of ours over each.

    The speed-up compares exact systems with ours that is exact, others with our ScaNN.
    """
    heads = (
        *("vectors", "neighbours", "system", "effort", "recall", "one by one, queries/s"),
        *("ours is faster by", "batch, queries/s", "ours is faster by"),
        *("built in s", "memory, MiB"),
    )
    rows = [heads, ("---:", "---:", "---", "---", *["---:"] * 7)]
    for speed in speeds:
        ours = _ours(speed, speeds)
        rows.append(
            (
                f"{speed.num_items:,}",
                str(speed.k),
                speed.system.name,
                speed.system.describe(speed.chosen.effort),
                f"{speed.chosen.recall:.3f}{_short(speed.chosen)}",
                f"{speed.single:,.0f}",
                "" if ours is None else f"{ours.single / speed.single:.2f} x",
                f"{speed.batched:,.0f}",
                "" if ours is None else f"{ours.batched / speed.batched:.2f} x",
                f"{speed.build_seconds:.1f}",
                f"{speed.memory:,.0f}",
            )
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def filtered_table(speeds: Sequence[IndexSpeed]) -> str:
    """A Markdown table of the searches with filters, beside those without."""
    heads = (
        *("vectors", "neighbours", "system", "pass the filter", "recall"),
        *("one by one, queries/s", "of unfiltered", "batch, queries/s", "of unfiltered"),
    )
    rows = [heads, ("---:", "---:", "---", *["---:"] * 6)]
    rows += [
        (
            f"{speed.num_items:,}",
            str(speed.k),
            speed.system.name,
            f"{one.share:.1%}",
            f"{one.recall:.3f}",
            f"{one.single:,.0f}",
            f"{one.single / speed.single:.2f} x",
            f"{one.batched:,.0f}",
            f"{one.batched / speed.batched:.2f} x",
        )
        for speed in speeds
        for one in speed.filtered
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _short(trial: Trial) -> str:
    """A note for a system that reaches `RECALL` at no effort."""
    return "" if trial.recall >= RECALL else f", short of {RECALL}"


def _ours(speed: IndexSpeed, speeds: Sequence[IndexSpeed]) -> IndexSpeed | None:
    """The speed of our system of the same kind; None for ours or if it did not run."""
    wanted = OurExact if speed.system.is_exact else OurScann
    if speed.system is wanted:
        return None
    for other in speeds:
        if (other.system, other.num_items, other.k) == (wanted, speed.num_items, speed.k):
            return other
    return None
