"""The boxes group against numbers worked out by hand."""

import numpy as np
import pytest

from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.features.boxes import MIN_SCORE, box_features, box_slices
from fitrank_tf.features.schema import FeatureSchema

SCHEMA = FeatureSchema.joined(box_slices())
SIZE = (200, 100)  # height, width in pixels


def _features(*found: tuple[str, float, list[float]], slots: int = 8) -> np.ndarray:
    """float32 [F] of one photo of SIZE, from (class, score, box)."""
    boxes = np.zeros((1, slots, 4), np.float32)
    classes, scores = np.full((1, slots), -1), np.zeros((1, slots), np.float32)
    for row, (name, score, box) in enumerate(found):
        boxes[0, row], scores[0, row] = box, score
        classes[0, row] = OBJECT_CLASSES.index(name)
    return box_features(boxes, classes, scores, np.array([SIZE]))[0]


def _value(features: np.ndarray, name: str) -> np.ndarray:
    return features[SCHEMA.slice(name)]


# 100 pixels high and 50 wide, from y 20 and x 25 on.
TOP = ("top", 0.9, [0.1, 0.25, 0.6, 0.75])


def test_the_best_garment_is_described() -> None:
    features = _features(("bag", 0.4, [0, 0, 0.1, 0.1]), TOP, ("top", 0.3, [0, 0, 1, 1]))
    np.testing.assert_allclose(_value(features, "garment_box"), [0.25, 0.1, 0.75, 0.6])
    np.testing.assert_allclose(_value(features, "garment_score"), [0.9])
    np.testing.assert_allclose(_value(features, "class_top"), [0.9])
    np.testing.assert_allclose(_value(features, "class_bag"), [0.4])
    assert _value(features, "class_watch") == 0
    # log2 of 50 pixels by 100.
    np.testing.assert_allclose(_value(features, "garment_aspect"), [-1.0], atol=1e-6)


def test_sleeves_are_told_apart_by_their_side() -> None:
    # Right: 30 x 40 pixels, its diagonal 50. Left: 6 x 8, its diagonal 10.
    right = ("sleeve", 0.5, [0.1, 0.6, 0.3, 0.9])
    left = ("sleeve", 0.8, [0.1, 0.25, 0.14, 0.31])
    features = _features(right, TOP, left)
    # x: (0.6 - 0.25) / 0.5 and (0.9 - 0.25) / 0.5; y: 0 and 0.2 / 0.5.
    np.testing.assert_allclose(
        _value(features, "right_sleeve_box"), [0.7, 0.0, 1.3, 0.4], atol=1e-6
    )
    np.testing.assert_allclose(
        _value(features, "left_sleeve_box"), [0.0, 0.0, 0.12, 0.08], atol=1e-6
    )
    np.testing.assert_allclose(_value(features, "right_sleeve_score"), [0.5])
    # The mean of 50 and 10 pixels over the garment's 100.
    np.testing.assert_allclose(_value(features, "sleeve_length"), [0.3], atol=1e-6)


def test_one_sleeve_alone_gives_the_length() -> None:
    features = _features(TOP, ("sleeve", 0.5, [0.1, 0.6, 0.3, 0.9]))
    np.testing.assert_allclose(_value(features, "sleeve_length"), [0.5], atol=1e-6)
    assert not _value(features, "left_sleeve_box").any()
    assert _value(features, "left_sleeve_score") == 0


@pytest.mark.parametrize(
    "found",
    [
        (),
        (("top", MIN_SCORE / 2, [0.1, 0.1, 0.9, 0.9]),),
        (("sleeve", 0.9, [0.1, 0.1, 0.5, 0.5]), ("neckline", 0.9, [0.1, 0.1, 0.2, 0.2])),
    ],
    ids=["nothing", "too faint", "parts without a garment"],
)
def test_without_a_garment_its_features_are_zeros(found) -> None:
    features = _features(*found)
    features[SCHEMA.slice("class_top")] = 0  # a faint score is still a score
    assert not features.any()


def test_boxes_of_no_size_stay_within_bounds() -> None:
    point = [0.5, 0.5, 0.5, 0.5]
    features = _features(("top", 0.9, point), ("sleeve", 0.9, [0, 0, 1, 1]))
    low, high = SCHEMA.bounds()
    assert np.isfinite(features).all()
    assert (features >= low).all()
    assert (features <= high).all()


def test_photos_of_a_batch_do_not_mix() -> None:
    rng = np.random.default_rng(0)
    boxes = np.sort(rng.random((6, 5, 2, 2)), axis=2).reshape(6, 5, 4).astype(np.float32)
    classes = rng.integers(-1, len(OBJECT_CLASSES), (6, 5))
    scores = rng.random((6, 5)).astype(np.float32)
    sizes = rng.integers(50, 300, (6, 2))
    together = box_features(boxes, classes, scores, sizes)
    for row in range(6):
        one = slice(row, row + 1)
        alone = box_features(boxes[one], classes[one], scores[one], sizes[one])
        np.testing.assert_allclose(together[one], alone)
