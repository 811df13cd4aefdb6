"""A catalogue's features on disk: sharded TFRecords with their schema.

    <folder>/features.json                         schema; fingerprints of the inputs
    <folder>/features-00003-of-00011.tfrecord      one tf.train.Example per product
    <folder>/features-00003-of-00011.json          counts of the shard

An Example has `id` (bytes), `features` (floats, laid out by the schema), and the
detections: `boxes` (floats, four per box), `classes`, `scores`.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from fitrank_tf.core.command_line import command_line
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically, written_aside
from fitrank_tf.features.extract import PhotoFeatures, feature_schema
from fitrank_tf.features.schema import FeatureSchema

_INFO_FILE = "features.json"
_SPECS = {
    "id": tf.io.FixedLenFeature([], tf.string),
    "features": tf.io.VarLenFeature(tf.float32),
    "boxes": tf.io.VarLenFeature(tf.float32),
    "classes": tf.io.VarLenFeature(tf.int64),
    "scores": tf.io.VarLenFeature(tf.float32),
}


@dataclasses.dataclass(frozen=True)
class ShardSummary:
    """Counts of one shard.

    Attributes:
        written: number of products written.
        skipped: reason -> ids of the products left out.
    """

    written: int
    skipped: Mapping[str, Sequence[str]]


def shard_name(number: int, count: int) -> str:
    """Returns the file name of shard `number` (from 0) of `count`."""
    return f"features-{number:05d}-of-{count:05d}.tfrecord"


def begin_features(folder: Path, made_of: Mapping[str, str]) -> None:
    """Makes a folder for features, or checks that an existing one can be continued.

    Args:
        folder: to write to.
        made_of: fingerprints of catalogue and models, number of shards.

    Raises:
        FitRankError: if the folder's features differ in any of `made_of`.
    """
    text = json.dumps(
        {"made_of": made_of, "schema": json.loads(feature_schema().to_json())}, indent=1
    )
    path = folder / _INFO_FILE
    if not path.exists():
        write_atomically(path, text.encode())
        return
    there, schema = _read_info(folder)
    feature_schema().check(schema)
    for name, value in made_of.items():
        if there.get(name) != value:
            raise FitRankError(
                f"{folder} holds features of another {name} ({there.get(name)}, now "
                f"{value}); name another --output_dir, or delete it"
            )


def write_shard(
    path: Path,
    seen: Sequence[tuple[str, PhotoFeatures]],
    skipped: Mapping[str, Sequence[str]],
) -> ShardSummary:
    """Writes a shard, its summary first: a shard that exists is complete.

    Args:
        path: of the shard's TFRecord file.
        seen: (product id, features and detections) of each product.
        skipped: reason -> ids of the products left out.
    """
    summary = ShardSummary(len(seen), skipped)
    write_atomically(
        path.with_suffix(".json"), json.dumps(dataclasses.asdict(summary)).encode()
    )
    with written_aside(path) as unfinished, tf.io.TFRecordWriter(str(unfinished)) as writer:
        for item_id, photo in seen:
            writer.write(_example(item_id, photo))
    return summary


def finished_shard(path: Path) -> ShardSummary | None:
    """Returns the summary of a shard, or None if it was not written yet."""
    if not path.exists():
        return None
    return ShardSummary(**json.loads(path.with_suffix(".json").read_text()))


def _example(item_id: str, seen: PhotoFeatures) -> bytes:
    real = seen.classes >= 0
    floats = {
        "features": seen.features,
        "boxes": seen.boxes[real].ravel(),
        "scores": seen.scores[real],
    }
    feature = {
        name: tf.train.Feature(float_list=tf.train.FloatList(value=values))
        for name, values in floats.items()
    }
    feature["id"] = tf.train.Feature(
        bytes_list=tf.train.BytesList(value=[item_id.encode()])
    )
    feature["classes"] = tf.train.Feature(
        int64_list=tf.train.Int64List(value=seen.classes[real])
    )
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString()


def read_features(folder: Path) -> Iterator[tuple[str, PhotoFeatures]]:
    """Yields (product id, features and detections), in the catalogue's order.

    Raises:
        FitRankError: if the folder's features are unfinished, or of another schema.
    """
    made_of, schema = _read_info(folder)
    feature_schema().check(schema)
    count = int(made_of["shards"])
    paths = [folder / shard_name(number, count) for number in range(count)]
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise FitRankError(
            f"{missing[0]} is missing: the extraction was interrupted; run it again, it "
            "resumes where it stopped"
        )
    for path in paths:
        try:
            for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
                yield _seen(record)
        except tf.errors.DataLossError as error:
            raise FitRankError(
                f"{path} is damaged; delete it and run the extraction again"
            ) from error


def _seen(record: bytes) -> tuple[str, PhotoFeatures]:
    plain = tf.io.parse_single_example(record, _SPECS)
    features, boxes, classes, scores = (
        tf.sparse.to_dense(plain[name]).numpy()
        for name in ("features", "boxes", "classes", "scores")
    )
    seen = PhotoFeatures(features, boxes.reshape(-1, 4), classes.astype(np.int32), scores)
    return plain["id"].numpy().decode(), seen


def _read_info(folder: Path) -> tuple[Mapping[str, str], FeatureSchema]:
    path = folder / _INFO_FILE
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return plain["made_of"], FeatureSchema.from_json(json.dumps(plain["schema"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FitRankError(
            f"{path} cannot be read ({error!r}); extract the features with "
            f"`{command_line('extract-features')}`"
        ) from error


def total_skipped(summaries: Sequence[ShardSummary]) -> Mapping[str, Sequence[str]]:
    """Returns reason -> ids of the products left out of all shards."""
    total: dict[str, list[str]] = {}
    for summary in summaries:
        for reason, ids in summary.skipped.items():
            total.setdefault(reason, []).extend(ids)
    return total


def skipped_lines(skipped: Mapping[str, int]) -> list[str]:
    """Returns one line per reason, the most frequent first."""
    return [
        f"left out {count}: {reason}" for reason, count in Counter(skipped).most_common()
    ]


def write_summary(
    folder: Path, summaries: Sequence[ShardSummary], skipped: Mapping[str, int]
) -> Path:
    """Writes `summary.json`: the number of products, and of those left out by reason.

    Args:
        folder: of the features.
        summaries: of all shards.
        skipped: reason -> number of products left out.

    Returns:
        The path of the file.
    """
    path = folder / "summary.json"
    plain = {
        "products": sum(summary.written for summary in summaries),
        "left_out": dict(skipped),
    }
    write_atomically(path, (json.dumps(plain, indent=1) + "\n").encode())
    return path
