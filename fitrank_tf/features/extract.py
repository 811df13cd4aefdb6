"""From photos to feature vectors: boxes, colours, texture, attributes, appearance.

One implementation, `FeatureExtractor.extract_batch`, serves tf.data (`attach`, `extract`),
Apache Beam (`beam_extraction.py`) and single photos (`extract_photos`).
"""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fitrank_tf.core.progress import Progress
from fitrank_tf.features.appearance.columns import appearance_slices
from fitrank_tf.features.attributes.columns import CUT_LABELS, attribute_slices
from fitrank_tf.features.attributes.cut import cut_inputs
from fitrank_tf.features.attributes.network import attribute_probabilities
from fitrank_tf.features.colour.names import box_evidence, colour_name_slices
from fitrank_tf.features.colour.palette import colour_slices, read_colours
from fitrank_tf.features.feature_models import FeatureModels
from fitrank_tf.features.garment.boxes import box_features, box_slices, find_parts
from fitrank_tf.features.garment.crop import CANVAS, GarmentCrop
from fitrank_tf.features.garment.shape import fit_features
from fitrank_tf.features.garment.views import (
    cut_out_garments,
    detect_in_photos,
    photo_squares,
    square_batches,
)
from fitrank_tf.features.heads.softmax_head import SoftmaxHead
from fitrank_tf.features.schema import FeatureSchema
from fitrank_tf.features.texture.patterns import pattern_inputs, pattern_slices
from fitrank_tf.features.texture.statistics import texture_features, texture_slices

_BATCH = 64


@functools.cache
def feature_schema() -> FeatureSchema:
    """Layout of the feature vectors of this module."""
    return FeatureSchema.joined(
        box_slices(),
        colour_slices(),
        colour_name_slices(),
        texture_slices(),
        pattern_slices(),
        attribute_slices(),
        appearance_slices(),
    )


@dataclasses.dataclass(frozen=True)
class PhotoFeatures:
    """Feature vector and detections of one photo.

    Attributes:
        features: float32 [F], laid out as `feature_schema` says.
        boxes: float32 [M, 4], [ymin, xmin, ymax, xmax] in 0..1 of the photo.
        classes: int32 [M], index in `OBJECT_CLASSES`, -1 for padding.
        scores: float32 [M], detection scores 0..1, 0 for padding.
    """

    features: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray


class FeatureExtractor:
    """Extracts the feature vectors of photos.

    Args:
        models: the trained detector and heads.
    """

    def __init__(self, models: FeatureModels):
        self.models = models

    def attach(self, items: tf.data.Dataset) -> tf.data.Dataset:
        """Adds features and detections to the items of a dataset.

        Args:
            items: dicts with `image` uint8 [H, W, 3] and anything else.

        Returns:
            The same dicts with `features` float32 [F] and `detected`: `boxes`
            float32 [M, 4] in 0..1 of the photo, `classes` int32 [M], `scores` [M].
        """

        # Photos differ in size, so a ragged batch carries them: each item is read once, and
        # its photo stays with its features.
        def with_squares(
            item: dict[str, Any],
        ) -> tuple[dict[str, Any], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
            return item, self._squares(item["image"])

        return (
            items.map(with_squares, num_parallel_calls=tf.data.AUTOTUNE)
            .ragged_batch(_BATCH)
            .map(
                lambda batch, squares: {**batch, **self.extract_batch(*squares)},
                num_parallel_calls=2,
            )
            .unbatch()
            .map(lambda item: tf.nest.map_structure(_dense, item))
            .prefetch(_BATCH)
        )

    def extract(
        self, items: tf.data.Dataset, num_items: int, batch_size: int = _BATCH
    ) -> np.ndarray:
        """Returns the feature vectors of a catalogue, with a progress bar.

        Args:
            items: dicts with `image` uint8 [H, W, 3].
            num_items: N, the number of items.
            batch_size: photos per batch; the features do not depend on it.

        Returns:
            float32 [N, F], laid out as `feature_schema` says.

        Raises:
            ValueError: if `items` does not hold `num_items` items.
        """
        features = np.zeros((num_items, feature_schema().size), np.float32)
        done = 0
        with Progress("features", num_items, "photos") as shown:
            for batch in self._batches(items, batch_size):
                part = batch["features"].numpy()
                # Of too many items the surplus is only counted.
                features[done : done + len(part)] = part[: max(num_items - done, 0)]
                done += len(part)
                shown.add(len(part))
        if done != num_items:
            raise ValueError(f"num_items is {num_items}, but there are {done} items")
        return features

    def extract_photos(self, photos: Sequence[np.ndarray]) -> list[PhotoFeatures]:
        """Returns features and detections of a few photos, held in memory.

        Args:
            photos: uint8 [H, W, 3] each, of any sizes.
        """
        squares = [self._square_eagerly(tf.constant(photo)) for photo in photos]
        batch = self._extract_eagerly(*(tf.stack(column) for column in zip(*squares)))
        found = {key: value.numpy() for key, value in batch["detected"].items()}
        features = batch["features"].numpy()
        return [
            PhotoFeatures(
                features[row], *(found[key][row] for key in ("boxes", "classes", "scores"))
            )
            for row in range(len(photos))
        ]

    def _batches(self, items: tf.data.Dataset, batch_size: int) -> Iterator[dict[str, Any]]:
        return iter(
            square_batches(items, self.models.detector, batch_size)
            .map(self.extract_batch, num_parallel_calls=2, deterministic=True)
            .prefetch(2)
        )

    def _squares(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return photo_squares(image, self.models.detector.image_size)

    @functools.cached_property
    def _square_eagerly(self) -> tf.types.experimental.PolymorphicFunction:
        spec = tf.TensorSpec([None, None, 3], tf.uint8)
        return tf.function(self._squares, input_signature=[spec])

    @functools.cached_property
    def _extract_eagerly(self) -> tf.types.experimental.PolymorphicFunction:
        # Of any number of photos: a trace takes seconds.
        squares = self._square_eagerly.get_concrete_function().structured_outputs
        specs = [tf.TensorSpec([None, *one.shape], one.dtype) for one in squares]
        return tf.function(self.extract_batch, input_signature=specs)

    def extract_batch(
        self, squares: tf.Tensor, photos: tf.Tensor, sizes: tf.Tensor
    ) -> dict[str, Any]:
        """Extracts a batch; can be called inside `tf.function` and `Dataset.map`.

        Args:
            squares: uint8 [B, S, S, 3], photos padded to the detector's input size S.
            photos: uint8 [B, 224, 224, 3], from `resize_and_pad`.
            sizes: int32 [B, 2], height and width of the original photos in pixels.

        Returns:
            `features` float32 [B, F], and `detected`: `boxes`, `classes`, `scores`.
        """
        found = detect_in_photos(self.models.detector, squares, sizes)
        vectors, fit, canvases = tf.numpy_function(
            self._vectors,
            [photos, sizes, *found],
            (tf.float32, tf.float32, tf.uint8),
            stateful=False,
        )
        canvases = tf.ensure_shape(canvases, [None, CANVAS, CANVAS, 3])
        attributes = attribute_probabilities(self.models.heads.attributes, canvases)
        whole = self.models.heads.appearance(photos)
        features = tf.numpy_function(
            self._with_cut, [vectors, attributes, fit, whole], tf.float32, stateful=False
        )
        return {
            "features": tf.ensure_shape(features, [None, feature_schema().size]),
            "detected": found._asdict(),
        }

    def _with_cut(self, *parts: np.ndarray) -> np.ndarray:
        """The whole vectors, float32 [B, F]: length and fit are read from the others."""
        *before, whole = parts
        schema, cut = feature_schema(), sum(map(len, CUT_LABELS.values()))
        unknown = np.zeros((len(whole), cut), np.float32)
        features = np.concatenate([*before, unknown, whole], axis=1)
        inputs = cut_inputs(features, schema)
        for name in CUT_LABELS:
            head: SoftmaxHead = getattr(self.models.heads, name)
            features[:, schema.slice(name)] = head.probabilities(inputs)
        return features

    def _vectors(
        self,
        photos: np.ndarray,
        sizes: np.ndarray,
        boxes: np.ndarray,
        classes: np.ndarray,
        scores: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Groups boxes, colour and texture; the garment ratios; the canvases."""
        found = find_parts(boxes, classes, scores)
        crops = cut_out_garments(photos, sizes, found.garment.boxes)
        evidence = box_evidence(classes, scores, found.garment.boxes)
        columns = [
            box_features(boxes, classes, scores, found),
            colours_and_texture(crops, evidence, self.models),
        ]
        return (
            np.concatenate(columns, axis=1).astype(np.float32),
            fit_features(found, crops, sizes),
            np.stack([crop.canvas() for crop in crops]),
        )


def colours_and_texture(
    crops: list[GarmentCrop], evidence: np.ndarray, models: FeatureModels
) -> np.ndarray:
    """Returns the groups `colour` and `texture` of a batch, float32 [B, ...].

    Args:
        crops: the products cut out of their photos.
        evidence: float32 [B, 13], from `colour.names.box_evidence`.
        models: the trained detector and heads.
    """
    colours, texture = read_colours(crops), texture_features(crops)
    names = models.heads.namer.probabilities(colours, evidence)
    patterns = models.heads.pattern.probabilities(pattern_inputs(texture, colours))
    columns = [colours.vectors, names, texture, patterns]
    return np.concatenate(columns, axis=1, dtype=np.float32)


def _dense(value: tf.Tensor | tf.RaggedTensor) -> tf.Tensor:
    return value.to_tensor() if isinstance(value, tf.RaggedTensor) else value
