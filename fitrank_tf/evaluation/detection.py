"""Quality of detected boxes: IoU, and COCO's average precision."""

import contextlib
import dataclasses
import io
from collections.abc import Sequence

import numpy as np

from fitrank_tf.core.packages import imports_of

with imports_of("reports"):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval


@dataclasses.dataclass(frozen=True)
class FoundBoxes:
    """Detections of one class in one photo.

    Attributes:
        boxes: float [N, 4], [ymin, xmin, ymax, xmax].
        scores: float [N].
    """

    boxes: np.ndarray
    scores: np.ndarray


def intersection_over_union(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Returns the intersection over union of boxes.

    Args:
        left: float [N, 4], [ymin, xmin, ymax, xmax].
        right: float [M, 4].

    Returns:
        float [N, M] in 0..1; 0 where both boxes are empty.
    """
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    high = np.minimum(left[:, None, 2:], right[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=-1)
    areas = [np.maximum(box[:, 2:] - box[:, :2], 0).prod(axis=-1) for box in (left, right)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared, float), where=union > 0)


@dataclasses.dataclass(frozen=True)
class AveragePrecision:
    """COCO's two headline figures of one class; NaN if there is no true box.

    Attributes:
        at_50: AP at an overlap of 0.5.
        mean: over the overlaps 0.5, 0.55, ... 0.95.
    """

    at_50: float
    mean: float


def average_precision(
    found: Sequence[FoundBoxes], truths: Sequence[np.ndarray]
) -> AveragePrecision:
    """Area under the precision-recall curve of one class, by pycocotools.

    Args:
        found: the boxes found in each photo.
        truths: float [T, 4], the true boxes of each photo, in the same order.

    Raises:
        ValueError: if `found` and `truths` are not of the same photos.
    """
    if len(found) != len(truths):
        raise ValueError(f"{len(found)} photos searched, but {len(truths)} with truth")
    if not any(len(boxes) for boxes in truths):
        return AveragePrecision(float("nan"), float("nan"))
    if not any(len(photo.scores) for photo in found):
        # pycocotools does not take an empty list.
        return AveragePrecision(0.0, 0.0)
    # pycocotools prints a table of its own.
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(_coco_truth(truths), None, "bbox")
        evaluation.cocoDt = evaluation.cocoGt.loadRes(_coco_found(found))
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    mean, at_50 = evaluation.stats[:2]
    return AveragePrecision(float(at_50), float(mean))


def _coco_truth(truths: Sequence[np.ndarray]) -> COCO:
    boxes = [(photo, box) for photo, of in enumerate(truths, 1) for box in _xywh(of)]
    coco = COCO()
    coco.dataset = {
        "images": [{"id": photo} for photo in range(1, len(truths) + 1)],
        "categories": [{"id": 1}],
        "annotations": [
            {
                "id": number,
                "image_id": photo,
                "category_id": 1,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            for number, (photo, box) in enumerate(boxes, 1)
        ],
    }
    coco.createIndex()
    return coco


def _coco_found(found: Sequence[FoundBoxes]) -> np.ndarray:
    """float [N, 7]: photo, x, y, width, height, score, category, as `loadRes` reads."""
    rows = [
        [photo, *box, score, 1]
        for photo, boxes in enumerate(found, 1)
        for box, score in zip(_xywh(boxes.boxes), boxes.scores)
    ]
    return np.array(rows, np.float64).reshape(-1, 7)


def _xywh(boxes: np.ndarray) -> list[list[float]]:
    """[x, y, width, height], a thousand to the photo's side.

    COCO counts in pixels and takes boxes under 32 x 32 for small.
    """
    ymin, xmin, ymax, xmax = np.asarray(boxes, float).reshape(-1, 4).T * 1000
    return np.stack([xmin, ymin, xmax - xmin, ymax - ymin], axis=1).tolist()
