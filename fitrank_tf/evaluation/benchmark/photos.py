"""Embeds the photos of a benchmark in one pass, in parts that an interrupted run keeps."""

import dataclasses
import hashlib
import itertools
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
from fitrank_tf.evaluation.systems import CLIP
from fitrank_tf.export.graphs.image_encoder import PIXELS_SIGNATURE
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import PROJECTION_SIGNATURE
from fitrank_tf.features.extract import FeatureExtractor
from fitrank_tf.features.garment.views import photo_squares
from fitrank_tf.inputs.images import resize_and_pad

logger = logging.getLogger(__name__)

_BATCH = 64
# What of photos is made and kept together: by the base towers, and by all that reads their
# features, which takes several times as long.
_BASE, _TUNED = "base", "tuned"
_COLUMNS = {_BASE: ("clip",), _TUNED: ("clip_lora", "feature_projection", "facet_probs")}
# Photos of a part, a minute's work on two cores.
_PART = 2048


@dataclasses.dataclass(frozen=True)
class EmbeddedPhotos:
    """What the systems know of N photos; [N, 0] where no system asks for it.

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
    bundle: LoadedBundle,
    catalogue: Catalogue,
    rows: Sequence[int],
    folder: Path,
    systems: Sequence[str],
) -> EmbeddedPhotos:
    """Embeds the photos of some rows of a catalogue; goes on where a run was interrupted.

    Args:
        bundle: trained.
        catalogue: whose photos.
        rows: of `catalogue.records(ALL)`, rising.
        folder: keeps the parts, a few kilobytes a photo.
        systems: some of `evaluation.systems.SYSTEMS`; features are extracted only if one
            of them reads them.

    Returns:
        Of the photos in the order of `rows`.
    """
    kept = folder / f"photos-{_key(bundle, catalogue, rows)}"
    kinds = [_BASE] * (CLIP in systems) + [_TUNED] * (set(systems) != {CLIP})
    paths = {
        kind: [kept / f"{start:08d}.{kind}.npz" for start in range(0, len(rows), _PART)]
        for kind in kinds
    }
    first = {kind: _first_lacking(of_kind) for kind, of_kind in paths.items()}
    done = min(first.values())
    if done:
        logger.info("%d of %d photos are embedded", min(done * _PART, len(rows)), len(rows))
    lacking = [kind for kind in kinds if first[kind] < len(paths[kind])]
    parts = _parts(bundle, catalogue, rows, done * _PART, lacking)
    for number, part in enumerate(parts, done):
        for kind in lacking:
            columns = {name: part[name] for name in _COLUMNS[kind]}
            with written_aside(paths[kind][number]) as aside, aside.open("wb") as file:
                np.savez(file, **columns)  # type: ignore[arg-type]  # for `allow_pickle`
    nothing = np.zeros((len(rows), 0), np.float32)
    unasked = {field.name: nothing for field in dataclasses.fields(EmbeddedPhotos)}
    return EmbeddedPhotos(**unasked | _read([paths[kind] for kind in kinds]))


def _first_lacking(paths: Sequence[Path]) -> int:
    """The number of the first file that is not there; that of the files if all are."""
    there = (number for number, path in enumerate(paths) if not path.is_file())
    return next(there, len(paths))


def _read(paths: Sequence[Sequence[Path]]) -> dict[str, np.ndarray]:
    columns: dict[str, list[np.ndarray]] = {}
    for path in itertools.chain(*paths):
        with np.load(path) as part:
            for name, values in part.items():
                columns.setdefault(name, []).append(values)
    return {name: np.concatenate(of) for name, of in columns.items()}


def _parts(
    bundle: LoadedBundle,
    catalogue: Catalogue,
    rows: Sequence[int],
    done: int,
    kinds: Sequence[str],
) -> Iterator[dict[str, np.ndarray]]:
    """Embeds the photos from number `done` on, and yields the arrays of each `_PART`."""
    if done >= len(rows) or not kinds:
        return
    items = catalogue.chosen_items(rows[done:])
    size = bundle.info.image_size
    batches = _with_features(bundle, items) if _TUNED in kinds else _pixels(items, size)
    waiting: list[dict[str, np.ndarray]] = []
    with Progress("embedding photos", len(rows), "photos", done) as shown:
        for pixels, *features in batches.prefetch(2):
            waiting.append(_embedded(bundle, pixels, *features, kinds=kinds))
            shown.add(len(pixels))
            if len(waiting) * _BATCH == _PART:
                yield _joined(waiting)
                waiting = []
        if waiting:
            yield _joined(waiting)


def _pixels(items: tf.data.Dataset, size: int) -> tf.data.Dataset:
    """Batches of (uint8 [B, S, S, 3],)."""
    return items.map(
        lambda item: (resize_and_pad(item["image"], size),),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    ).batch(_BATCH)


def _with_features(bundle: LoadedBundle, items: tf.data.Dataset) -> tf.data.Dataset:
    """Batches of (uint8 [B, S, S, 3], features float32 [B, F])."""
    extractor = FeatureExtractor(bundle.feature_models)
    detector_size, size = extractor.models.detector.image_size, bundle.info.image_size

    def squares(item: dict[str, Any]) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        image = item["image"]
        seen = photo_squares(image, detector_size)
        # Towers and detector often read the same square.
        return seen[0] if size == detector_size else resize_and_pad(image, size), seen

    return (
        items.map(squares, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(_BATCH)
        .map(
            lambda pixels, seen: (pixels, extractor.extract_batch(*seen)["features"]),
            num_parallel_calls=2,
            deterministic=True,
        )
    )


def _embedded(
    bundle: LoadedBundle,
    pixels: tf.Tensor,
    features: tf.Tensor | None = None,
    *,
    kinds: Sequence[str],
) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    if _BASE in kinds:
        base = bundle.model("clip_image_encoder").signatures[PIXELS_SIGNATURE]
        found["clip"] = base(pixels=pixels)["embedding"].numpy()
    if features is not None:
        tuned = bundle.model("image_encoder").signatures[PIXELS_SIGNATURE]
        project = bundle.model("reranker").signatures[PROJECTION_SIGNATURE]
        clip_lora = tuned(pixels=pixels, features=features)["embedding"].numpy()
        found |= {
            "clip_lora": clip_lora,
            "feature_projection": project(features=features)["feature_projection"].numpy(),
            "facet_probs": bundle.predict_facets(clip_lora, features.numpy()),
        }
    return found


def _joined(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _key(bundle: LoadedBundle, catalogue: Catalogue, rows: Sequence[int]) -> str:
    """Changes with the photos, the bundle's models and the code of features."""
    digest = hashlib.sha256(catalogue.fingerprint.encode())
    digest.update(code_fingerprint([__name__]).encode())
    digest.update(np.asarray(rows, np.int64).tobytes())
    digest.update(bundle.fingerprint.encode())
    return digest.hexdigest()[:16]
