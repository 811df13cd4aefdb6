"""The boxes group against numbers worked out by hand."""

import numpy as np
import pytest

from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.features.garment.boxes import (
    MIN_SCORE,
    box_features,
    box_slices,
    find_parts,
    stored_garment_boxes,
)
from fitrank_tf.features.schema import FeatureSchema
from tests.features.small_detections import detections

SCHEMA = FeatureSchema.joined(box_slices())
TOP = ("top", 0.9, [0.1, 0.25, 0.6, 0.75])


def _features(*found) -> np.ndarray:
    """float32 [F] of one photo, from (class, score, box)."""
    seen = detections(*found)
    return box_features(*seen, find_parts(*seen))[0]


def _value(features: np.ndarray, name: str) -> np.ndarray:
    return features[SCHEMA.slice(name)]


def test_the_best_garment_is_described() -> None:
    features = _features(("bag", 0.4, [0, 0, 0.1, 0.1]), TOP, ("top", 0.3, [0, 0, 1, 1]))
    np.testing.assert_allclose(_value(features, "garment_box"), [0.25, 0.1, 0.75, 0.6])
    np.testing.assert_allclose(_value(features, "garment_score"), [0.9])
    np.testing.assert_allclose(_value(features, "class_top"), [0.9])
    np.testing.assert_allclose(_value(features, "class_bag"), [0.4])
    assert _value(features, "class_watch") == 0


# Beside the garment's corner (x 0.25, y 0.1) and over its sides (0.5 each).
@pytest.mark.parametrize(
    ("part", "box", "name", "expected"),
    [
        ("sleeve", [0.1, 0.6, 0.3, 0.9], "right_sleeve", [0.7, 0.0, 1.3, 0.4]),
        ("sleeve", [0.1, 0.25, 0.14, 0.31], "left_sleeve", [0.0, 0.0, 0.12, 0.08]),
        ("sleeve", [0.2, 0.45, 0.4, 0.55], "right_sleeve", [0.4, 0.2, 0.6, 0.6]),
        ("neckline", [0.1, 0.4, 0.2, 0.6], "neckline", [0.3, 0.0, 0.7, 0.2]),
        ("neckline", [0.0, 0.0, 1.0, 1.0], "neckline", [-0.5, -0.2, 1.5, 1.5]),
    ],
    ids=["right", "left", "in the middle", "neckline", "cut off"],
)
def test_a_part_is_told_from_its_garment(part, box, name, expected) -> None:
    features = _features((part, 0.5, box), TOP)
    np.testing.assert_allclose(_value(features, f"{name}_box"), expected, atol=1e-6)
    np.testing.assert_allclose(_value(features, f"{name}_score"), [0.5])
    for other in {"left_sleeve", "right_sleeve", "neckline"} - {name}:
        assert not _value(features, f"{other}_box").any()
        assert _value(features, f"{other}_score") == 0


def test_of_two_sleeves_each_side_has_its_best() -> None:
    left, right = [0.1, 0.2, 0.3, 0.3], [0.1, 0.7, 0.3, 0.8]
    found = (
        *(("sleeve", 0.3, left), ("sleeve", 0.6, [0.1, 0.25, 0.3, 0.35])),
        *(TOP, ("sleeve", 0.8, right), ("sleeve", 0.4, [0.2, 0.6, 0.3, 0.9])),
    )
    parts = find_parts(*detections(*found))
    np.testing.assert_allclose(parts.left_sleeve.boxes[0], [0.1, 0.25, 0.3, 0.35])
    np.testing.assert_allclose(parts.right_sleeve.boxes[0], right)
    np.testing.assert_allclose(parts.left_sleeve.scores, [0.6])
    np.testing.assert_allclose(parts.right_sleeve.scores, [0.8])


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


def test_of_equal_scores_the_first_is_taken() -> None:
    other = [0.0, 0.0, 0.5, 0.5]
    features = _features(TOP, ("bag", 0.9, other))
    np.testing.assert_allclose(_value(features, "garment_box"), [0.25, 0.1, 0.75, 0.6])


# float32 has 0.25 and the number below it.
@pytest.mark.parametrize(
    ("score", "is_found"),
    [(MIN_SCORE, True), (np.nextafter(np.float32(MIN_SCORE), np.float32(0)), False)],
)
@pytest.mark.parametrize("kind", ["top", "sleeve", "neckline"])
def test_a_box_of_the_least_score_is_found(kind: str, score: float, is_found: bool) -> None:
    features = _features(*([] if kind == "top" else [TOP]), (kind, score, TOP[2]))
    name = {"top": "garment", "sleeve": "right_sleeve"}.get(kind, kind)
    assert _value(features, f"{name}_score") == (score if is_found else 0.0)
    assert _value(features, f"{name}_box").any() == is_found


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
    seen = (boxes, classes, scores)
    together = box_features(*seen, find_parts(*seen))
    for row in range(6):
        one = [part[row : row + 1] for part in seen]
        np.testing.assert_allclose(together[row], box_features(*one, find_parts(*one))[0])


def test_the_garment_box_is_read_back_as_it_was_found() -> None:
    """Rows before columns, whatever the order in the vector."""
    features = np.stack([_features(TOP), _features()])
    expected = np.float32([TOP[2], [0.0] * 4])
    np.testing.assert_array_equal(stored_garment_boxes(features, SCHEMA), expected)
