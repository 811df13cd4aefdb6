"""From photos to feature vectors, inside tf.data: detector boxes, then colours.

One implementation: `attach_features` for pipelines, `extract_features` for a
whole catalogue as one array.
"""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from fitrank_tf.features.boxes import box_features, box_slices, garment_found
from fitrank_tf.features.colour import colour_features, colour_slices
from fitrank_tf.features.photo_square import boxes_from_square, photo_extent
from fitrank_tf.features.schema import FeatureSchema
from fitrank_tf.inputs.images import resize_and_pad
from fitrank_tf.models.detector import Detector

_BATCH = 32


@functools.cache
def feature_schema() -> FeatureSchema:
    """The layout of the vectors that this module makes."""
    return FeatureSchema.joined(box_slices(), colour_slices())


def attach_features(items: tf.data.Dataset, detector: Detector) -> tf.data.Dataset:
    """Items with what was seen in their photo.

    Args:
        items: dicts with `image` uint8 [H, W, 3] and anything else.
        detector: finds the boxes.

    Returns:
        The same dicts with `features` float32 [F] and `detected`: `boxes`
        float32 [M, 4] in 0..1 of the photo, `classes` int32 [M], `scores` [M].
    """
    see = _see(detector)

    # Photos differ in size: only a ragged batch carries them through, so that an
    # item is read once and its photo and its features stay together.
    def with_square(item: dict) -> tuple[dict, tuple]:
        return item, _square(item["image"], detector.image_size)

    return (
        items.map(with_square, num_parallel_calls=tf.data.AUTOTUNE)
        .ragged_batch(_BATCH)
        .map(lambda batch, squares: {**batch, **see(*squares)}, num_parallel_calls=2)
        .unbatch()
        .map(lambda item: tf.nest.map_structure(_dense, item))
        .prefetch(_BATCH)
    )


def _dense(value: tf.Tensor | tf.RaggedTensor) -> tf.Tensor:
    return value.to_tensor() if isinstance(value, tf.RaggedTensor) else value


def extract_features(
    items: tf.data.Dataset, num_items: int, detector: Detector, batch_size: int = _BATCH
) -> np.ndarray:
    """The feature vectors of a catalogue, with a progress bar.

    Args:
        items: dicts with `image` uint8 [H, W, 3].
        num_items: N, how many there are.
        detector: finds the boxes.
        batch_size: photos that the detector sees at a time; the numbers do not
            depend on it.

    Returns:
        float32 [N, F], laid out as `feature_schema` says.
    """
    features = np.zeros((num_items, feature_schema().size), np.float32)
    done = 0
    with tqdm(total=num_items, desc="features", unit="photo", disable=None) as bar:
        for batch in _seen(items, detector, batch_size):
            part = batch["features"].numpy()
            features[done : done + len(part)] = part
            done += len(part)
            bar.update(len(part))
    if done != num_items:
        raise ValueError(f"{num_items} items were announced, {done} came")
    return features


def _seen(items: tf.data.Dataset, detector: Detector, batch_size: int) -> tf.data.Dataset:
    """Batches of what `_see` returns."""

    def square(item: dict) -> tuple[tf.Tensor, tf.Tensor]:
        return _square(item["image"], detector.image_size)

    return (
        items.map(square, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(batch_size)
        .map(_see(detector), num_parallel_calls=2, deterministic=True)
        .prefetch(2)
    )


def _square(image: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The padded square, uint8 [S, S, 3], and the photo's height and width, int32 [2]."""
    return resize_and_pad(image, size), tf.ensure_shape(tf.shape(image)[:2], [2])


def _see(detector: Detector) -> Callable[[tf.Tensor, tf.Tensor], dict]:
    """A function of a batch of squares and sizes: its `features` and `detected`."""
    size = detector.image_size

    def see(squares: tf.Tensor, sizes: tf.Tensor) -> dict:
        found = detector.detect(tf.cast(squares, tf.float32))
        extent = photo_extent(sizes[:, 0], sizes[:, 1], size)
        boxes = boxes_from_square(found.boxes, extent, size)
        features = tf.numpy_function(
            _vectors,
            [squares, extent, boxes, found.classes, found.scores, sizes],
            tf.float32,
            stateful=False,
        )
        return {
            "features": tf.ensure_shape(features, [None, feature_schema().size]),
            "detected": {"boxes": boxes, "classes": found.classes, "scores": found.scores},
        }

    return see


def _vectors(
    squares: np.ndarray,
    extent: np.ndarray,
    boxes: np.ndarray,
    classes: np.ndarray,
    scores: np.ndarray,
    sizes: np.ndarray,
) -> np.ndarray:
    """float32 [B, F]; the colours are read where the photo lies in its square."""
    garments = garment_found(boxes, classes, scores).boxes
    colours = [
        colour_features(_photo_part(square, place), garment)
        for square, place, garment in zip(squares, extent, garments)
    ]
    shapes = box_features(boxes, classes, scores, sizes)
    return np.concatenate([shapes, np.stack(colours)], axis=1).astype(np.float32)


def _photo_part(square: np.ndarray, extent: np.ndarray) -> np.ndarray:
    top, left, height, width = extent.astype(int)
    return np.ascontiguousarray(square[top : top + height, left : left + width])
