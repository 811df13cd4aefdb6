"""Features of a whole catalogue as an Apache Beam pipeline, with the numbers of tf.data."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import Catalogue
from fitrank_tf.features.extract import FeatureExtractor, PhotoFeatures
from fitrank_tf.features.feature_models import FeatureModels
from fitrank_tf.features.io.beam_shards import (
    UNREADABLE,
    Shard,
    ShardWork,
    encoded_items,
    photo_batches,
    plan_shards,
    prepared_folder,
    run_shards,
)
from fitrank_tf.features.io.saved_features import (
    ShardSummary,
    begin_features,
    finished_shard,
    shard_name,
    write_shard,
)

_BATCH = 32


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
    return ExtractionPlan(
        catalogue=prepared_folder(catalogue),
        detector=str(detector.resolve()),
        heads=str(heads.resolve()),
        output=str(output.resolve()),
        shards=plan_shards(catalogue, shard_size, shard_name),
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
    begin_features(Path(plan.output), {**made_of, "shards": str(len(plan.shards))})
    paths = run_shards(plan.shards, _ExtractShard(plan), "features", options)
    return [_made(path) for path in paths]


def _made(path: Path) -> ShardSummary:
    summary = finished_shard(path)
    if summary is None:
        raise FitRankError(f"{path} is gone; run the extraction again")
    return summary


class _ExtractShard(ShardWork[FeatureExtractor]):
    """Extracts and writes the features of a shard."""

    def __init__(self, plan: ExtractionPlan):
        super().__init__(plan.output)
        # Beam pickles the plan; without the shards it is small.
        self._plan = dataclasses.replace(plan, shards=())

    def load(self) -> FeatureExtractor:
        models = FeatureModels.load(Path(self._plan.detector), Path(self._plan.heads))
        return FeatureExtractor(models)

    def make(self, shard: Shard, path: Path) -> None:
        seen: list[tuple[str, PhotoFeatures]] = []
        unreadable: list[str] = []
        items = encoded_items(self._plan.catalogue, shard)
        photos = ((item["id"].decode(), item["image"]) for item in items)
        for ids, pixels in photo_batches(photos, unreadable, _BATCH):
            self.count_photos(len(ids))
            seen += zip(ids, self.models.extract_photos(pixels))
        write_shard(path, seen, {UNREADABLE: unreadable} if unreadable else {})
