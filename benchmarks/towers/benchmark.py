"""Speed of training and encoding with ViT-B/32 CLIP and LoRA, on several systems.

Every system reads the same random checkpoint and the same batch, in a process of its own
on the same cores, in float32. Before the timing they must agree on embeddings and loss.
"""

import contextlib
import dataclasses
import itertools
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.benchmark_process import BenchmarkProcess
from benchmarks.towers.random_clip import VIT_B_32, random_batch, write_random_clip
from benchmarks.towers.work import (
    IMAGE_STEP,
    IMAGES,
    TEXT_STEP,
    TEXTS,
    TIMED,
    TRAIN,
    TRAINED,
    Batch,
)
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import missing_packages
from fitrank_tf.towers.backbones import TowerSizes

_TOLERANCE = 1e-3
_SEED = 0
# The first step of an operation compiles it, and the second may still fill caches.
_WARM_UP = 2


@dataclasses.dataclass(frozen=True)
class System:
    """A system to time.

    Attributes:
        name: the name in the tables.
        module: the module to run as its process.
        packages: required packages besides the project's dependencies.
        environment: (variable, value) pairs for its process.
    """

    name: str
    module: str
    packages: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    def missing(self) -> str | None:
        """A line that says which packages are missing; None if the system can run."""
        return missing_packages(self.name, self.packages)


_OURS = "benchmarks.towers.keras_clip"
REFERENCE = System(
    "PyTorch, transformers and peft",
    "benchmarks.rivals.torch_clip",
    ("torch", "transformers", "peft"),
)
SYSTEMS = (
    System("ours, TensorFlow", _OURS, (), (("KERAS_BACKEND", "tensorflow"),)),
    System("ours, JAX", _OURS, ("jax",), (("KERAS_BACKEND", "jax"),)),
    REFERENCE,
)


@dataclasses.dataclass(frozen=True)
class Workload:
    """How much is timed.

    Attributes:
        batch_size: pairs of photo and text per step.
        rounds: turns of each system.
        steps: steps per turn.

    Raises:
        FitRankError: a number is too small.
    """

    batch_size: int = 16
    rounds: int = 5
    steps: int = 2

    def __post_init__(self) -> None:
        for field, least in (("batch_size", 2), ("rounds", 1), ("steps", 1)):
            value = getattr(self, field)
            if value < least:
                raise FitRankError(f"--{field} is {value}; it must be {least} or more")


@dataclasses.dataclass(frozen=True)
class TowerSpeed:
    """The median times of one system.

    Attributes:
        name: the system's name.
        batch_size: pairs of photo and text per step.
        seconds: {operation of `TIMED`: seconds of a step}.
        trained: number of trainable weights.
    """

    name: str
    batch_size: int
    seconds: Mapping[str, float]
    trained: int

    def per_second(self, operation: str) -> float:
        """Photos, texts or pairs per second of an operation."""
        return self.batch_size / self.seconds[operation]


@dataclasses.dataclass(frozen=True)
class Agreement:
    """The largest differences between two systems before any training.

    Attributes:
        embeddings: difference of an element of the unit embeddings.
        loss: difference of the loss of the first training step.
    """

    embeddings: float
    loss: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The result of the benchmark.

    Attributes:
        speeds: one for each system.
        agreement: the differences between systems; None if only one ran.
    """

    speeds: Sequence[TowerSpeed]
    agreement: Agreement | None


def compare_towers(
    workload: Workload, systems: Sequence[System] = SYSTEMS, sizes: TowerSizes = VIT_B_32
) -> Comparison:
    """Times systems in turns.

    Args:
        workload: how much is timed.
        systems: systems that can run here.
        sizes: sizes of both towers.

    Raises:
        FitRankError: if the process of a system ends, or systems compute different things.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as processes:
        folder = Path(name)
        write_random_clip(folder, sizes, _SEED)
        Batch(*random_batch(sizes, workload.batch_size, _SEED)).save(folder)
        running = [
            processes.enter_context(contextlib.closing(_start(system, folder)))
            for system in systems
        ]
        agreement = _check(running)
        return Comparison(_time(running, workload), agreement)


def _start(system: System, folder: Path) -> BenchmarkProcess:
    return BenchmarkProcess(system.name, system.module, folder, dict(system.environment))


def _check(processes: Sequence[BenchmarkProcess]) -> Agreement | None:
    # The loss comes last, because it takes a training step.
    made = [
        (np.stack([one.run(IMAGES), one.run(TEXTS)]), one.run(TRAIN)) for one in processes
    ]
    if len(made) < 2:
        return None
    agreement = Agreement(*map(_largest_difference, zip(*made)))
    if not max(dataclasses.astuple(agreement)) <= _TOLERANCE:
        raise FitRankError(
            f"the systems differ by {agreement.embeddings:.1e} in an embedding and "
            f"{agreement.loss:.1e} in the loss, more than {_TOLERANCE}; they compute "
            "different things with these package versions, so no speed is reported"
        )
    return agreement


def _largest_difference(made: Sequence[np.ndarray]) -> float:
    """The largest difference of two arrays; NaN if any element is."""
    pairs = itertools.combinations(made, 2)
    return float(np.max([np.abs(one - other) for one, other in pairs]))


def _time(processes: Sequence[BenchmarkProcess], workload: Workload) -> list[TowerSpeed]:
    for operation, process in itertools.product(TIMED, processes):
        process.time(operation, _WARM_UP)
    taken: dict[tuple[str, str], list[float]] = {}
    for _, operation, process in itertools.product(
        range(workload.rounds), TIMED, processes
    ):
        times = taken.setdefault((process.name, operation), [])
        times += process.time(operation, workload.steps)
    return [
        TowerSpeed(
            process.name,
            workload.batch_size,
            {
                operation: statistics.median(taken[process.name, operation])
                for operation in TIMED
            },
            int(process.run(TRAINED)),
        )
        for process in processes
    ]


def speed_table(speeds: Sequence[TowerSpeed]) -> str:
    """A Markdown table of photos and texts per second, also relative to the reference."""
    operations = {
        "training images/s": TRAIN,
        "encoding images/s": IMAGES,
        "encoding texts/s": TEXTS,
    }
    heads = [head for name in operations for head in (name, "ours / PyTorch")]
    rows = []
    for speed in speeds:
        cells = [
            cell
            for operation in operations.values()
            for cell in (
                f"{speed.per_second(operation):.2f}",
                _ratio(speed, speeds, operation),
            )
        ]
        rows.append([speed.name, *cells, f"{speed.trained:,}"])
    return _markdown(["system", *heads, "trained numbers"], rows)


def _ratio(speed: TowerSpeed, speeds: Sequence[TowerSpeed], operation: str) -> str:
    others = [other for other in speeds if other.name == REFERENCE.name]
    if speed.name == REFERENCE.name or not others:
        return ""
    return f"{speed.per_second(operation) / others[0].per_second(operation):.2f}"


def time_table(speeds: Sequence[TowerSpeed]) -> str:
    """A Markdown table of the milliseconds of a training step's parts.

    The time of a tower's backward pass is that of a training step on this tower alone less
    its forward pass. The rest (loss, optimizer and so on) is the time of a whole step less
    that of both towers' steps. It can be negative, because two towers may use the cores
    better than one.
    """
    parts = [dict(_parts(speed.seconds)) for speed in speeds]
    rows = [[name, *(f"{1000 * one[name]:.0f}" for one in parts)] for name in parts[0]]
    return _markdown(["ms of a step", *(speed.name for speed in speeds)], rows)


def _parts(seconds: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    yield "image tower, forward", seconds[IMAGES]
    yield "image tower, backward", seconds[IMAGE_STEP] - seconds[IMAGES]
    yield "text tower, forward", seconds[TEXTS]
    yield "text tower, backward", seconds[TEXT_STEP] - seconds[TEXTS]
    yield "the rest", seconds[TRAIN] - seconds[IMAGE_STEP] - seconds[TEXT_STEP]
    yield "whole training step", seconds[TRAIN]


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))
