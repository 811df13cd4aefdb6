"""Features of a whole catalogue as an Apache Beam pipeline.

The unit of work is a shard: a worker reads its products from the prepared catalogue,
extracts their features with `FeatureExtractor` (as tf.data does) and writes one file.
Finished shards are skipped, so an interrupted run can be resumed. On a cluster the
catalogue, the models and the output must lie on a file system that all workers share.
"""

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import imports_of
from fitrank_tf.core.progress import Progress
from fitrank_tf.datasets.catalogue import ENCODED, Catalogue, read_prepared
from fitrank_tf.datasets.splits import SPLITS
from fitrank_tf.features.extract import FeatureExtractor, PhotoFeatures
from fitrank_tf.features.feature_models import FeatureModels
from fitrank_tf.features.io.saved_features import (
    ShardSummary,
    begin_features,
    finished_shard,
    shard_name,
    write_shard,
)

with imports_of("beam"):
    import apache_beam as beam
    from apache_beam.metrics.metric import Metrics
    from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser

logger = logging.getLogger(__name__)

UNREADABLE = "photo cannot be decoded"
_BATCH = 32
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


@dataclasses.dataclass(frozen=True)
class ExtractionPlan:
    """Inputs, output and shards of an extraction.

    Attributes:
        catalogue: folder of the prepared TFDS catalogue.
        detector: folder of the detector.
        heads: folder of the feature heads.
        output: folder of the features.
        shards: all shards of the catalogue.
    """

    catalogue: str
    detector: str
    heads: str
    output: str
    shards: tuple[Shard, ...]


def plan_extraction(
    catalogue: Catalogue, detector: Path, heads: Path, output: Path, shard_size: int
) -> ExtractionPlan:
    """Divides a catalogue into shards, in the order of `Catalogue.items`.

    Args:
        catalogue: prepared.
        detector: folder of the detector.
        heads: folder of the feature heads.
        output: folder to write to.
        shard_size: most products per shard.
    """
    pieces = [
        (split, begin, min(begin + shard_size, size))
        for split, size in ((name, catalogue.num_items(name)) for name in SPLITS)
        for begin in range(0, size, shard_size)
    ]
    shards = tuple(
        Shard(number, shard_name(number, len(pieces)), *piece)
        for number, piece in enumerate(pieces)
    )
    return ExtractionPlan(
        catalogue=str(Path(catalogue.builder.data_path).resolve()),
        detector=str(detector.resolve()),
        heads=str(heads.resolve()),
        output=str(output.resolve()),
        shards=shards,
    )


def run_extraction(
    plan: ExtractionPlan, made_of: Mapping[str, str], options: Sequence[str]
) -> list[ShardSummary]:
    """Runs the pipeline; returns when all shards are written.

    Args:
        plan: what to extract.
        made_of: fingerprints of catalogue and models.
        options: of Beam, such as `--runner=FlinkRunner`.

    Returns:
        The summaries of all shards, in their order.

    Raises:
        FitRankError: if the output folder holds features of another catalogue or other
            models, or the workers do not share its file system.
    """
    folder = Path(plan.output)
    begin_features(folder, {**made_of, "shards": str(len(plan.shards))})
    made = sum(finished_shard(folder / shard.file) is not None for shard in plan.shards)
    if made:
        logger.info("%d of %d shards were made before", made, len(plan.shards))
    pipeline_options = PipelineOptions(_with_runner(options))
    with _progress_of(plan), beam.Pipeline(options=pipeline_options) as pipeline:
        _ = (
            pipeline
            | "shards" >> beam.Create(plan.shards)
            # Without it a runner may fuse the steps and run all shards in one worker.
            | "spread" >> beam.Reshuffle()
            | "extract" >> beam.ParDo(_ExtractShard(plan))
            | "count" >> beam.Map(_count)
        )
    return [_made(folder / shard.file) for shard in plan.shards]


def _made(path: Path) -> ShardSummary:
    summary = finished_shard(path)
    if summary is None:
        raise FitRankError(
            f"{path} is not there: the workers wrote to a file system of their "
            "own; name a folder that all of them share"
        )
    return summary


def check_beam_options(options: Sequence[str]) -> None:
    """Rejects unknown options, which Beam would ignore.

    Raises:
        FitRankError: for an option of no runner.
    """
    parser = _BeamArgumentParser(add_help=False, allow_abbrev=False)
    for group in PipelineOptions.__subclasses__():
        group._add_argparse_args(parser)
    _, unknown = parser.parse_known_args(options)
    if unknown:
        raise FitRankError(
            f"{unknown[0]!r} is neither an option of this command nor of Apache Beam"
        )


def _with_runner(options: Sequence[str]) -> list[str]:
    """Adds the default runner: in this process, without other requirements."""
    named = any(option.startswith("--runner") for option in options)
    return [*options] if named else ["--runner=FnApiRunner", *options]


@contextlib.contextmanager
def _progress_of(plan: ExtractionPlan) -> Iterator[None]:
    """Shows a progress bar of products while the pipeline runs.

    Runners report nothing before they end. Counted are the finished shards of all workers,
    and the products of unfinished ones that were processed in this process.
    """
    folder, before = Path(plan.output), _ExtractShard.photos_seen
    sizes = {folder / shard.file: shard.end - shard.begin for shard in plan.shards}
    ended = threading.Event()

    def finished() -> int:
        return sum(size for path, size in sizes.items() if path.exists())

    first = finished()
    with Progress("features", sum(sizes.values()), "products", first) as shown:

        def look() -> None:
            while not ended.wait(_SECONDS_BETWEEN_LOOKS):
                seen = first + _ExtractShard.photos_seen - before
                shown.move_to(max(finished(), seen))

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            yield
        finally:
            ended.set()
            looking.join()
        shown.move_to(finished())


class _ExtractShard(beam.DoFn):
    """Extracts and writes the features of a shard.

    Attributes:
        photos_seen: photos processed by all workers in this process.
    """

    photos_seen: ClassVar[int] = 0

    _extractor: FeatureExtractor

    def __init__(self, plan: ExtractionPlan):
        # Beam pickles the plan; without the shards it is small.
        self._plan = dataclasses.replace(plan, shards=())

    def setup(self) -> None:
        models = FeatureModels.load(Path(self._plan.detector), Path(self._plan.heads))
        self._extractor = FeatureExtractor(models)

    def process(self, shard: Shard) -> Iterator[tuple[int, int, int]]:
        path = Path(self._plan.output) / shard.file
        summary = finished_shard(path)
        if summary is None:
            summary = self._make(shard, path)
            logger.info("wrote %s: %d products", path, summary.written)
        skipped = sum(len(ids) for ids in summary.skipped.values())
        yield shard.number, summary.written, skipped

    def _make(self, shard: Shard, path: Path) -> ShardSummary:
        seen: list[tuple[str, PhotoFeatures]] = []
        skipped: dict[str, list[str]] = {}
        batch: list[tuple[str, np.ndarray]] = []
        for item_id, data in self._products(shard):
            try:
                photo = tf.io.decode_image(data, channels=3, expand_animations=False)
            except tf.errors.InvalidArgumentError:
                skipped.setdefault(UNREADABLE, []).append(item_id)
                continue
            batch.append((item_id, photo.numpy()))
            if len(batch) == _BATCH:
                seen += self._see(batch)
                batch = []
        seen += self._see(batch)
        return write_shard(path, seen, skipped)

    def _products(self, shard: Shard) -> Iterator[tuple[str, bytes]]:
        builder = tfds.builder_from_directory(self._plan.catalogue)
        rows = f"{shard.split}[{shard.begin}:{shard.end}]"
        for item in read_prepared(builder, rows, ENCODED).as_numpy_iterator():
            yield item["id"].decode(), item["image"]

    def _see(self, batch: list[tuple[str, np.ndarray]]) -> list[tuple[str, PhotoFeatures]]:
        if not batch:
            return []
        _ExtractShard.photos_seen += len(batch)
        ids, photos = zip(*batch)
        return list(zip(ids, self._extractor.extract_photos(photos)))


def _count(shard: tuple[int, int, int]) -> tuple[int, int, int]:
    """Counts products in Beam's metrics, for runners that show them."""
    _, written, skipped = shard
    Metrics.counter("features", "written").inc(written)
    Metrics.counter("features", "skipped").inc(skipped)
    return shard
