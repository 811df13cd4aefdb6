"""How good boxes are: average precision as PASCAL VOC defines it since 2010."""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class FoundBoxes:
    """What a detector found of one class in one photo.

    Attributes:
        boxes: float [N, 4], [ymin, xmin, ymax, xmax].
        scores: float [N].
    """

    boxes: np.ndarray
    scores: np.ndarray


def intersection_over_union(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How much boxes overlap.

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


def average_precision(
    found: Sequence[FoundBoxes], truths: Sequence[np.ndarray], min_overlap: float = 0.5
) -> float:
    """Area under the precision-recall curve of one class over a set of photos.

    All-point interpolation: the precision at a recall is the best at that recall
    or above (Everingham et al., "The PASCAL Visual Object Classes Challenge: A
    Retrospective", 2015, and VOC2010 development kit, section 3.4.1).

    Args:
        found: the boxes found in each photo.
        truths: float [T, 4], the true boxes of each photo, in the same order.
        min_overlap: intersection over union from which a box counts as right.

    Returns:
        AP in 0..1; NaN if there is no true box.

    Raises:
        ValueError: if `found` and `truths` are not of the same photos.
    """
    num_true = sum(len(boxes) for boxes in truths)
    if not num_true:
        return float("nan")
    pairs = zip(found, truths, strict=True)
    hits = [_hits(photo, boxes, min_overlap) for photo, boxes in pairs]
    scores = np.concatenate([photo.scores for photo in found])
    ranked = np.concatenate(hits)[np.argsort(-scores, kind="stable")]
    true_positives = np.cumsum(ranked)
    precision = true_positives / np.arange(1, len(ranked) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    # Recall rises by 1 / num_true at each hit and nowhere else.
    return float((best_from_here * ranked).sum() / num_true)


def _hits(found: FoundBoxes, truth: np.ndarray, min_overlap: float) -> np.ndarray:
    """bool [N]: which boxes are right; only the best-scored of a true box's is.

    As in VOC, a box answers for the true box that it overlaps most, even if that
    one is taken.
    """
    hits = np.zeros(len(found.scores), bool)
    if not len(truth):
        return hits
    overlaps = intersection_over_union(found.boxes, truth)
    taken: set[int] = set()
    for index in np.argsort(-found.scores, kind="stable"):
        nearest = int(overlaps[index].argmax())
        if overlaps[index, nearest] >= min_overlap and nearest not in taken:
            hits[index] = True
            taken.add(nearest)
    return hits
