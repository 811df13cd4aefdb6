"""Average precision of a detector on manually annotated photos."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from fitrank_tf.core.progress import tracked
from fitrank_tf.datasets.item import OBJECT_CLASSES, PART_CLASSES, PRODUCT_CLASSES
from fitrank_tf.evaluation.detection import FoundBoxes, average_precision
from fitrank_tf.features.garment.detector import Detector
from fitrank_tf.features.garment.photo_square import boxes_from_square, photo_extent
from fitrank_tf.inputs.images import resize_and_pad

_PRODUCTS = range(len(PRODUCT_CLASSES))

# What is reported -> the classes that count as it.
KINDS: Mapping[str, tuple[int, ...]] = {
    "garment": tuple(_PRODUCTS),
    **{name: (OBJECT_CLASSES.index(name),) for name in PART_CLASSES},
}


@dataclasses.dataclass(frozen=True)
class DetectorReport:
    """Average precision on a set of photos.

    Attributes:
        num_photos: how many.
        ap50: kind -> AP at an overlap of 0.5.
        ap: kind -> mean AP at overlaps 0.5, 0.55, ... 0.95.
        class_accuracy: share of photos whose best product box has the right class.
    """

    num_photos: int
    ap50: Mapping[str, float]
    ap: Mapping[str, float]
    class_accuracy: float

    def table(self) -> str:
        """Returns Markdown, one row per kind of box."""
        lines = ["| box | AP50 | AP50:95 |", "| --- | ---: | ---: |"]
        lines += [
            f"| {kind} | {self.ap50[kind]:.3f} | {self.ap[kind]:.3f} |" for kind in KINDS
        ]
        found = f"Right class, {self.num_photos} photos: {self.class_accuracy:.3f}"
        return "\n".join([*lines, "", found])


def measure_detector(
    detector: Detector, items: Iterable[Mapping[str, Any]]
) -> DetectorReport:
    """Average precision of the garment, whatever its class, of sleeves and necklines.

    Args:
        detector: to measure.
        items: Items with `objects`, eager: a `tf.data.Dataset` in eager mode is one. Those
            without a box of a product are passed over.
    """
    found: dict[str, list[FoundBoxes]] = {kind: [] for kind in KINDS}
    truths: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    right: list[bool] = []
    for item in tracked(items, "measuring the detector", "photos"):
        true_boxes, labels = (item["objects"][key].numpy() for key in ("bbox", "label"))
        products = labels[np.isin(labels, _PRODUCTS)]
        if not len(products):
            continue
        boxes, classes, scores = _detect(detector, item["image"])
        for kind, members in KINDS.items():
            chosen = np.isin(classes, members)
            found[kind].append(FoundBoxes(boxes[chosen], scores[chosen]))
            truths[kind].append(true_boxes[np.isin(labels, members)])
        right.append(_best_product(classes, scores) == products[0])
    reached = {kind: average_precision(found[kind], truths[kind]) for kind in KINDS}
    return DetectorReport(
        len(right),
        {kind: precision.at_50 for kind, precision in reached.items()},
        {kind: precision.mean for kind, precision in reached.items()},
        float(np.mean(right)),
    )


def _detect(
    detector: Detector, photo: tf.Tensor
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes in 0..1 of the photo, classes and scores; padding left out."""
    size = detector.image_size
    square = resize_and_pad(photo, size)
    detections = detector.detect(tf.cast(square[tf.newaxis], tf.float32))
    height, width = tf.unstack(tf.shape(photo)[:2])
    extent = photo_extent(height, width, size)
    boxes = boxes_from_square(detections.boxes[0], extent, size).numpy()
    real = detections.classes[0].numpy() >= 0
    return (
        boxes[real],
        detections.classes[0].numpy()[real],
        detections.scores[0].numpy()[real],
    )


def _best_product(classes: np.ndarray, scores: np.ndarray) -> int:
    """The class of the best product box, -1 if there is none."""
    is_product = np.isin(classes, _PRODUCTS)
    return int(classes[is_product][scores[is_product].argmax()]) if is_product.any() else -1
