"""How fast ViT-B/32 CLIP with LoRA trains and encodes, beside transformers and peft.

Every system reads the same random checkpoint and the same batch, in a process of its own on
the same cores, in float32. Before anything is timed they must agree on the embeddings and
on the loss.
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
from fitrank_tf.towers.clip_backbone import ClipSizes

_TOLERANCE = 1e-3
_SEED = 0
# The first step of a way compiles it, and the second may still fill caches.
_WARM_UP = 2


@dataclasses.dataclass(frozen=True)
class System:
    """What is timed.

    Attributes:
        name: in the tables.
        module: of the package, run as its process.
        packages: that it needs beside the project's own.
        environment: variables of its process, and their values.
    """

    name: str
    module: str
    packages: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    def missing(self) -> str | None:
        """The line that says why it is left out; None if it can run."""
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
class Effort:
    """How much is timed.

    Attributes:
        batch_size: pairs of a step.
        rounds: turns of every system.
        steps: of one turn.
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
    """One system's times, medians.

    Attributes:
        name: of the system.
        batch_size: pairs of a step.
        seconds: of a step of each way of `tower_work.TIMED`.
        trained: numbers that a training step changes.
    """

    name: str
    batch_size: int
    seconds: Mapping[str, float]
    trained: int

    def per_second(self, way: str) -> float:
        """Photos, texts or pairs a second."""
        return self.batch_size / self.seconds[way]


@dataclasses.dataclass(frozen=True)
class Agreement:
    """The largest differences between two systems, of the same untrained adapters.

    Attributes:
        embeddings: of any number of the unit embeddings.
        loss: of the first training step's loss.
    """

    embeddings: float
    loss: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What a run found.

    Attributes:
        speeds: a system each.
        agreement: None where one system ran alone.
    """

    speeds: Sequence[TowerSpeed]
    agreement: Agreement | None


def compare_towers(
    effort: Effort, systems: Sequence[System] = SYSTEMS, sizes: ClipSizes = VIT_B_32
) -> Comparison:
    """Times systems in turns.

    Args:
        effort: how much is timed.
        systems: that can run here.
        sizes: of the towers.

    Raises:
        FitRankError: if a system breaks down, or systems compute different things.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as processes:
        folder = Path(name)
        write_random_clip(folder, sizes, _SEED)
        Batch(*random_batch(sizes, effort.batch_size, _SEED)).save(folder)
        running = [
            processes.enter_context(contextlib.closing(_start(system, folder)))
            for system in systems
        ]
        agreement = _check(running)
        return Comparison(_time(running, effort), agreement)


def _start(system: System, folder: Path) -> BenchmarkProcess:
    return BenchmarkProcess(system.name, system.module, folder, dict(system.environment))


def _check(processes: Sequence[BenchmarkProcess]) -> Agreement | None:
    # The loss is shown last: showing it takes a training step.
    made = [
        (np.stack([one.show(IMAGES), one.show(TEXTS)]), one.show(TRAIN))
        for one in processes
    ]
    if len(made) < 2:
        return None
    agreement = Agreement(*map(_largest_difference, zip(*made)))
    if not max(dataclasses.astuple(agreement)) <= _TOLERANCE:
        raise FitRankError(
            f"the systems differ by {agreement.embeddings:.1e} in an embedding and "
            f"{agreement.loss:.1e} in the loss, more than {_TOLERANCE}; they compute "
            "different things with these package versions, so no speed is told"
        )
    return agreement


def _largest_difference(made: Sequence[np.ndarray]) -> float:
    """NaN if any is."""
    pairs = itertools.combinations(made, 2)
    return float(np.max([np.abs(one - other) for one, other in pairs]))


def _time(processes: Sequence[BenchmarkProcess], effort: Effort) -> list[TowerSpeed]:
    for way, process in itertools.product(TIMED, processes):
        process.time(way, _WARM_UP)
    taken: dict[tuple[str, str], list[float]] = {}
    for _, way, process in itertools.product(range(effort.rounds), TIMED, processes):
        times = taken.setdefault((process.name, way), [])
        times += process.time(way, effort.steps)
    return [
        TowerSpeed(
            process.name,
            effort.batch_size,
            {way: statistics.median(taken[process.name, way]) for way in TIMED},
            int(process.show(TRAINED)),
        )
        for process in processes
    ]


def speed_table(speeds: Sequence[TowerSpeed]) -> str:
    """Markdown: photos and texts a second, and ours over the reference's if it ran."""
    ways = {
        "training images/s": TRAIN,
        "encoding images/s": IMAGES,
        "encoding texts/s": TEXTS,
    }
    heads = [head for name in ways for head in (name, "ours / PyTorch")]
    rows = []
    for speed in speeds:
        cells = [
            cell
            for way in ways.values()
            for cell in (f"{speed.per_second(way):.2f}", _ratio(speed, speeds, way))
        ]
        rows.append([speed.name, *cells, f"{speed.trained:,}"])
    return _markdown(["system", *heads, "trained numbers"], rows)


def _ratio(speed: TowerSpeed, speeds: Sequence[TowerSpeed], way: str) -> str:
    others = [other for other in speeds if other.name == REFERENCE.name]
    if speed.name == REFERENCE.name or not others:
        return ""
    return f"{speed.per_second(way) / others[0].per_second(way):.2f}"


def time_table(speeds: Sequence[TowerSpeed]) -> str:
    """Markdown: milliseconds of a training step's parts.

    A tower's backward pass is a training step on that tower alone less its forward pass.
    The rest (the loss, the optimizer, what runs beside both towers) is what a whole step
    takes longer than both towers' steps; it can be below 0 where towers share the cores
    better than one alone.
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
