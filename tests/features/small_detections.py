"""Detections of one photo, written by hand."""

import numpy as np

from fitrank_tf.datasets.item import OBJECT_CLASSES

Detection = tuple[str, float, list[float]]


def detections(
    *found: Detection, slots: int = 8
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes [1, 8, 4], classes [1, 8], scores [1, 8] from (class, score, box)."""
    boxes = np.zeros((1, slots, 4), np.float32)
    classes, scores = np.full((1, slots), -1), np.zeros((1, slots), np.float32)
    for row, (name, score, box) in enumerate(found):
        boxes[0, row], scores[0, row] = box, score
        classes[0, row] = OBJECT_CLASSES.index(name)
    return boxes, classes, scores
