"""Embeds the photos of a benchmark in one pass, in parts that an interrupted run keeps."""

import dataclasses
import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from fitrank_tf.core.code import code_fingerprint
from fitrank_tf.core.files import written_aside
from fitrank_tf.core.progress import Progress
from fitrank_tf.datasets.catalogue import Catalogue
from fitrank_tf.export.graphs.image_encoder import PIXELS_SIGNATURE
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import PROJECTION_SIGNATURE
from fitrank_tf.features.extract import FeatureExtractor
from fitrank_tf.features.garment.views import photo_squares
from fitrank_tf.inputs.images import resize_and_pad

logger = logging.getLogger(__name__)

_BATCH = 64
# Photos of a part, a minute's work on two cores.
_PART = 2048


@dataclasses.dataclass(frozen=True)
class EmbeddedPhotos:
    """What the systems know of N photos.

    Attributes:
        clip: float32 [N, D], unit, by the base towers.
        clip_lora: float32 [N, D], unit, by the fine-tuned towers.
        feature_projection: float32 [N, 64], of the re-ranker.
        facet_probs: float32 [N, V], of the facet heads.
    """

    clip: np.ndarray
    clip_lora: np.ndarray
    feature_projection: np.ndarray
    facet_probs: np.ndarray


def embed_photos(
    bundle: LoadedBundle, catalogue: Catalogue, rows: Sequence[int], folder: Path
) -> EmbeddedPhotos:
    """Embeds the photos of some rows of a catalogue; goes on where a run was interrupted.

    Args:
        bundle: trained.
        catalogue: whose photos.
        rows: of `catalogue.records(ALL)`, rising.
        folder: keeps the parts, a few kilobytes a photo.

    Returns:
        Of the photos in the order of `rows`.
    """
    kept = folder / f"photos-{_key(bundle, catalogue, rows)}"
    starts = range(0, len(rows), _PART)
    paths = [kept / f"{start:08d}.npz" for start in starts]
    done = 0
    while done < len(paths) and paths[done].is_file():
        done += 1
    if done:
        logger.info("%d of %d photos are embedded", min(done * _PART, len(rows)), len(rows))
    parts = _parts(bundle, catalogue, rows, done * _PART)
    for path, part in zip(paths[done:], parts, strict=True):
        with written_aside(path) as unfinished, unfinished.open("wb") as file:
            np.savez(file, **part)  # type: ignore[arg-type]  # taken for `allow_pickle`
    fields = [field.name for field in dataclasses.fields(EmbeddedPhotos)]
    columns: dict[str, list[np.ndarray]] = {name: [] for name in fields}
    for path in paths:
        with np.load(path) as part:
            for name, column in columns.items():
                column.append(part[name])
    return EmbeddedPhotos(**{name: np.concatenate(of) for name, of in columns.items()})


def _parts(
    bundle: LoadedBundle, catalogue: Catalogue, rows: Sequence[int], done: int
) -> Iterator[dict[str, np.ndarray]]:
    """Embeds the photos from number `done` on, and yields the arrays of each `_PART`."""
    if done >= len(rows):
        return
    extractor = FeatureExtractor(bundle.feature_models)
    detector_size, size = extractor.models.detector.image_size, bundle.info.image_size

    def squares(item: dict[str, Any]) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        image = item["image"]
        return resize_and_pad(image, size), photo_squares(image, detector_size)

    batches = (
        catalogue.chosen_items(rows[done:])
        .map(squares, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(_BATCH)
        .map(
            lambda pixels, seen: (pixels, extractor.extract_batch(*seen)["features"]),
            num_parallel_calls=2,
            deterministic=True,
        )
        .prefetch(2)
    )
    waiting: list[dict[str, np.ndarray]] = []
    with Progress("embedding photos", len(rows), "photos", done) as shown:
        for pixels, features in batches:
            waiting.append(_embedded(bundle, pixels, features))
            shown.add(len(pixels))
            if len(waiting) * _BATCH == _PART:
                yield _joined(waiting)
                waiting = []
        if waiting:
            yield _joined(waiting)


def _embedded(
    bundle: LoadedBundle, pixels: tf.Tensor, features: tf.Tensor
) -> dict[str, np.ndarray]:
    base = bundle.model("clip_image_encoder").signatures[PIXELS_SIGNATURE]
    tuned = bundle.model("image_encoder").signatures[PIXELS_SIGNATURE]
    project = bundle.model("reranker").signatures[PROJECTION_SIGNATURE]
    clip_lora = tuned(pixels=pixels, features=features)["embedding"].numpy()
    return {
        "clip": base(pixels=pixels)["embedding"].numpy(),
        "clip_lora": clip_lora,
        "feature_projection": project(features=features)["feature_projection"].numpy(),
        "facet_probs": bundle.predict_facets(clip_lora, features.numpy()),
    }


def _joined(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _key(bundle: LoadedBundle, catalogue: Catalogue, rows: Sequence[int]) -> str:
    """Changes with the photos, the bundle's models and the code of features."""
    digest = hashlib.sha256(catalogue.fingerprint.encode())
    digest.update(code_fingerprint([__name__]).encode())
    digest.update(np.asarray(rows, np.int64).tobytes())
    digest.update(bundle.fingerprint.encode())
    return digest.hexdigest()[:16]
