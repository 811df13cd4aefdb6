"""A prepared catalogue in shards, each the work of one call of an Apache Beam pipeline.

A worker reads the products of a shard from the prepared catalogue and writes one file.
Finished shards are skipped, so an interrupted run can be resumed. On a cluster the
catalogue, the models and the output must lie on a file system that all workers share.
"""

import abc
import contextlib
import dataclasses
import importlib
import logging
import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import imports_of
from fitrank_tf.core.progress import Progress
from fitrank_tf.datasets.catalogue import ENCODED, Catalogue, read_prepared
from fitrank_tf.datasets.splits import SPLITS

with imports_of("beam"):
    import apache_beam as beam
    from apache_beam.metrics.metric import Metrics
    from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser
    from apache_beam.utils.shared import Shared

logger = logging.getLogger(__name__)

M = TypeVar("M")
T = TypeVar("T")

UNREADABLE = "photo cannot be decoded"

_DASK = "apache_beam.runners.dask.dask_runner"
_SECONDS_BETWEEN_LOOKS = 1.0


@dataclasses.dataclass(frozen=True)
class Shard:
    """Consecutive products of one split.

    Attributes:
        number: of the shard, from 0.
        file: name of the shard's file.
        split: of the prepared catalogue.
        begin: first row of the split.
        end: one past the last row.
    """

    number: int
    file: str
    split: str
    begin: int
    end: int


def plan_shards(
    catalogue: Catalogue, shard_size: int, name: Callable[[int, int], str]
) -> tuple[Shard, ...]:
    """Divides a catalogue into shards, in the order of `Catalogue.items`.

    Args:
        catalogue: prepared.
        shard_size: most products per shard.
        name: the file name of a shard, by its number and the number of shards.
    """
    pieces = [
        (split, begin, min(begin + shard_size, size))
        for split, size in ((name, catalogue.num_items(name)) for name in SPLITS)
        for begin in range(0, size, shard_size)
    ]
    return tuple(
        Shard(number, name(number, len(pieces)), *piece)
        for number, piece in enumerate(pieces)
    )


def prepared_folder(catalogue: Catalogue) -> str:
    """The folder of a prepared catalogue, as workers in other processes read it."""
    return str(Path(catalogue.builder.data_path).resolve())


def encoded_items(prepared: str, shard: Shard) -> Iterator[Mapping[str, Any]]:
    """The Items of a shard, with `image` left as bytes.

    Args:
        prepared: from `prepared_folder`.
        shard: of that catalogue.
    """
    builder = tfds.builder_from_directory(prepared)
    rows = f"{shard.split}[{shard.begin}:{shard.end}]"
    yield from read_prepared(builder, rows, ENCODED).as_numpy_iterator()


def photo_batches(
    photos: Iterable[tuple[T, bytes]],
    unreadable: list[T],
    most: int,
    most_bytes: float = math.inf,
) -> Iterator[tuple[list[T], list[np.ndarray]]]:
    """Decodes photos, and collects them in batches.

    Args:
        photos: (what a photo is of, its file) pairs.
        unreadable: gets what those photos are of that cannot be decoded.
        most: photos of a batch.
        most_bytes: of their pixels, at which a batch is full.

    Yields:
        What the photos are of, one or more, and their pixels, uint8 [H, W, 3] each.
    """
    of: list[T] = []
    pixels: list[np.ndarray] = []
    for one, data in photos:
        try:
            photo = tf.io.decode_image(data, channels=3, expand_animations=False).numpy()
        except tf.errors.InvalidArgumentError:
            unreadable.append(one)
            continue
        of.append(one)
        pixels.append(photo)
        if len(of) == most or sum(each.nbytes for each in pixels) >= most_bytes:
            yield of, pixels
            of, pixels = [], []
    if of:
        yield of, pixels


class ShardWork(beam.DoFn, abc.ABC, Generic[M]):
    """Writes the files of shards.

    Args:
        folder: where the files are.

    Attributes:
        models: what `load` gave.
        photos_seen: photos processed by all workers in this process.
    """

    models: M
    photos_seen: ClassVar[int] = 0

    def __init__(self, folder: str):
        self.folder = Path(folder)
        self._shared = Shared()

    @abc.abstractmethod
    def load(self) -> M:
        """Loads the models, once in a process."""

    @abc.abstractmethod
    def make(self, shard: Shard, path: Path) -> None:
        """Writes the file of a shard; it is not there before it is complete."""

    def setup(self) -> None:
        """Takes the models of this process. Dask calls it for every partition."""
        self.models = self._shared.acquire(self.load)

    def process(self, shard: Shard) -> Iterator[Shard]:
        """Makes a shard, unless it was made before."""
        path = self.folder / shard.file
        if not path.exists():
            self.make(shard, path)
            logger.info("wrote %s", path)
        yield shard

    @staticmethod
    def count_photos(number: int) -> None:
        """Adds to the photos processed in this process."""
        ShardWork.photos_seen += number


def run_shards(
    shards: Sequence[Shard], work: ShardWork[Any], what: str, options: Sequence[str]
) -> list[Path]:
    """Runs a pipeline; returns when all shards are written.

    Args:
        shards: to be made.
        work: makes a shard; Beam sends it to the workers.
        what: is made, for the line of progress and Beam's counters.
        options: of Beam, such as `--runner=FlinkRunner`.

    Returns:
        The shards' files, in their order.

    Raises:
        FitRankError: if the workers do not share the file system of the output.
    """
    paths = [work.folder / shard.file for shard in shards]
    made = sum(path.exists() for path in paths)
    if made:
        logger.info("%d of %d shards were made before", made, len(shards))
    pipeline_options = PipelineOptions(_with_runner(options))
    with (
        _progress_of(shards, work.folder, what),
        beam.Pipeline(options=pipeline_options) as pipeline,
    ):
        _ = (
            pipeline
            | "shards" >> beam.Create(shards)
            # Without it a runner may fuse the steps and run all shards in one worker.
            | "spread" >> beam.Reshuffle()
            | "make" >> beam.ParDo(work)
            | "count" >> beam.Map(_count, what)
        )
    for path in paths:
        if not path.exists():
            raise FitRankError(
                f"{path} is not there: the workers wrote to a file system of their "
                "own; name a folder that all of them share"
            )
    _sweep(paths)
    return paths


def _sweep(paths: Sequence[Path]) -> None:
    """Deletes what killed workers left beside finished shards.

    Only then: before all shards are there, another worker may be writing one.
    """
    names = {path.name for path in paths}
    for folder in {path.parent for path in paths}:
        for left in folder.glob(".*.tmp"):
            if left.name[1:].rsplit(".", 2)[0] in names:
                left.unlink(missing_ok=True)


def check_beam_options(options: Sequence[str]) -> None:
    """Rejects unknown options, which Beam would ignore.

    Raises:
        FitRankError: for an option of no runner, or Dask's runner without Dask.
    """
    if any("DaskRunner" in option for option in options):
        # The runner is imported when it first runs, and its options with it.
        with imports_of("dask"):
            importlib.import_module("distributed")
            importlib.import_module(_DASK)
    parser = _BeamArgumentParser(add_help=False, allow_abbrev=False)
    for group in PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    _, unknown = parser.parse_known_args(options)
    if unknown:
        raise FitRankError(
            f"{unknown[0]!r} is neither an option of this command nor of Apache Beam"
        )


def _with_runner(options: Sequence[str]) -> list[str]:
    """Adds the default runner, in this process, without other requirements; and the whole
    name of Dask's, which Beam does not know by its short one."""
    named = any(option.startswith("--runner") for option in options)
    whole = [
        re.sub(r"^(--runner=)?DaskRunner$", rf"\1{_DASK}.DaskRunner", o) for o in options
    ]
    return whole if named else ["--runner=FnApiRunner", *whole]


@contextlib.contextmanager
def _progress_of(shards: Sequence[Shard], folder: Path, what: str) -> Iterator[None]:
    """Shows a progress bar of products while the pipeline runs.

    Runners report nothing before they end. Counted are the finished shards of all workers,
    and the products of unfinished ones that were processed in this process.
    """
    before = ShardWork.photos_seen
    sizes = {folder / shard.file: shard.end - shard.begin for shard in shards}
    ended = threading.Event()

    def finished() -> int:
        return sum(size for path, size in sizes.items() if path.exists())

    first = finished()
    with Progress(what, sum(sizes.values()), "products", first) as shown:

        def look() -> None:
            while not ended.wait(_SECONDS_BETWEEN_LOOKS):
                seen = first + ShardWork.photos_seen - before
                shown.move_to(max(finished(), seen))

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            yield
        finally:
            ended.set()
            looking.join()
        shown.move_to(finished())


def _count(shard: Shard, what: str) -> Shard:
    """Counts products in Beam's metrics, for runners that show them."""
    Metrics.counter(what, "products").inc(shard.end - shard.begin)
    return shard
