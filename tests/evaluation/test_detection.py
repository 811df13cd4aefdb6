"""Overlap and average precision against cases worked out by hand."""

import math

import numpy as np
import pytest

from fitrank_tf.evaluation.detection import (
    FoundBoxes,
    average_precision,
    intersection_over_union,
)

A, B, C = [0.0, 0.0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9], [0.0, 0.6, 0.2, 1.0]
NOTHING = np.zeros((0, 4))


def _found(*boxes: tuple[list[float], float]) -> FoundBoxes:
    return FoundBoxes(
        np.array([box for box, _ in boxes]).reshape(-1, 4),
        np.array([score for _, score in boxes], float),
    )


def _overlap(left: list[float], right: list[float]) -> float:
    """IoU of two boxes by counting the points of a fine grid."""
    centres = (np.arange(400) + 0.5) / 400
    y, x = np.meshgrid(centres, centres, indexing="ij")
    one, other = ((b[0] < y) & (y < b[2]) & (b[1] < x) & (x < b[3]) for b in (left, right))
    return (one & other).sum() / (one | other).sum()


def test_overlap_is_the_share_of_points_in_both() -> None:
    boxes = [A, B, C, [0.1, 0.1, 0.5, 0.6], [0.05, 0.3, 0.15, 0.9]]
    expected = [[_overlap(left, right) for right in boxes] for left in boxes]
    found = intersection_over_union(np.array(boxes), np.array(boxes))
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_empty_boxes_overlap_nothing() -> None:
    point = np.array([[0.5, 0.5, 0.5, 0.5]])
    assert intersection_over_union(point, point).tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("found", "truths", "expected"),
    [
        # All right.
        ([_found((A, 0.9), (B, 0.8))], [[A, B]], 1.0),
        # Ranked hit, miss, hit: precisions 1, 1/2, 2/3 at recalls 1/3, 1/3, 2/3, and
        # the third is never found: (1 + 2/3) / 3.
        ([_found((A, 0.9), (C, 0.8)), _found((B, 0.7))], [[A], [B, C]], 5 / 9),
        # Ranked miss, hit, hit: the precision 2/3 at recall 1 holds at 1/2 too.
        ([_found((C, 0.9), (A, 0.8), (B, 0.7))], [[A, B]], 2 / 3),
        # The second box on A is a miss: hit, miss, hit: (1 + 2/3) / 2.
        ([_found((A, 0.9), (A, 0.8), (B, 0.7))], [[A, B]], 5 / 6),
        # A photo with nothing to find, with a box of the highest score: 1/2.
        ([_found((A, 0.9)), _found((A, 0.8))], [NOTHING, [A]], 1 / 2),
        # Nothing found.
        ([_found()], [[A]], 0.0),
    ],
)
def test_hand_computed(found, truths, expected) -> None:
    truths = [np.array(boxes).reshape(-1, 4) for boxes in truths]
    # COCO reads the curve at 101 recalls.
    assert average_precision(found, truths).at_50 == pytest.approx(expected, abs=0.01)


def test_without_truth_there_is_no_precision() -> None:
    assert math.isnan(average_precision([_found((A, 0.9))], [NOTHING]).mean)


def test_photos_must_match() -> None:
    with pytest.raises(ValueError, match="1 photos searched, but 2"):
        average_precision([_found((A, 0.9))], [np.array([A]), np.array([B])])
