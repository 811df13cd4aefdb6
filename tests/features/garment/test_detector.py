"""The detector learns, stays finite in a graph, and survives its SavedModel."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.config import DetectorConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.shipped import find_shipped
from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.features.extract import FeatureExtractor, feature_schema
from fitrank_tf.features.feature_models import FeatureModels
from fitrank_tf.features.garment.detector import Detector, preset_fingerprint
from fitrank_tf.features.garment.detector_training import (
    _zoom,
    train_detector,
    training_batches,
)
from tests.small_feature_models import small_heads

TOP = OBJECT_CLASSES.index("top")
CONFIG = DetectorConfig(
    image_size=64,
    num_images=8,
    stackwise_channels=(8, 16, 16, 16),
    epochs=60,
    batch_size=8,
    learning_rate=1e-2,
)


def _items(count: int, boxes: bool = True) -> tf.data.Dataset:
    """Photos of one dark square, its box known."""
    generator = np.random.default_rng(0)
    images, corners = [], []
    for _ in range(count):
        top, left = generator.integers(4, 24, 2)
        image = np.full((64, 64, 3), 255, np.uint8)
        image[top : top + 32, left : left + 32] = (40, 60, 120)
        images.append(image)
        corners.append([[top / 64, left / 64, (top + 32) / 64, (left + 32) / 64]])
    data = {
        "image": np.stack(images),
        "objects": {
            "bbox": np.array(corners, np.float32)[:, : int(boxes)],
            "label": np.full((count, int(boxes)), TOP, np.int64),
        },
    }
    return tf.data.Dataset.from_tensor_slices(data)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.from_network(train_detector(_items(8), CONFIG))


@pytest.mark.slow
def test_it_finds_the_objects_of_its_training_photos(detector) -> None:
    items = list(_items(8).as_numpy_iterator())
    images = tf.cast(np.stack([item["image"] for item in items]), tf.float32)
    found = detector.detect(images)
    hits = 0
    for row, item in enumerate(items):
        best = int(np.argmax(found.scores[row]))
        assert int(found.classes[row, best]) == TOP
        hits += np.abs(found.boxes[row, best] - item["objects"]["bbox"][0]).max() < 0.1
    assert hits >= 6


@pytest.mark.slow
def test_saved_detector_finds_the_same(detector, tmp_path) -> None:
    detector.save(tmp_path / "detector")
    loaded = Detector.load(tmp_path / "detector")
    images = tf.cast(
        np.stack([i["image"] for i in _items(4).as_numpy_iterator()]), tf.float32
    )
    for one, other in zip(detector.detect(images), loaded.detect(images)):
        np.testing.assert_allclose(other, one, atol=1e-5)
    assert loaded.image_size == 64


def test_the_shipped_detector_is_found_from_anywhere(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    detector = Detector.load(find_shipped("saved_models/detector"))
    found = detector.detect(
        tf.fill([1, detector.image_size, detector.image_size, 3], 255.0)
    )
    assert found.boxes.shape[0] == 1


@pytest.mark.slow
def test_the_fingerprint_of_a_preset_follows_its_weights(detector, tmp_path) -> None:
    detector.save(tmp_path / "one")
    before = preset_fingerprint(tmp_path / "one")
    (tmp_path / "one").rename(tmp_path / "moved")
    assert preset_fingerprint(tmp_path / "moved") == before
    weights = tmp_path / "moved" / "variables" / "variables.data-00000-of-00001"
    weights.write_bytes(b"other" + weights.read_bytes()[5:])
    assert preset_fingerprint(tmp_path / "moved") != before


def test_a_missing_detector_is_named(tmp_path) -> None:
    with pytest.raises(FitRankError, match="no readable detector in"):
        Detector.load(tmp_path / "nothing")


def test_items_without_boxes_are_refused() -> None:
    with pytest.raises(
        FitRankError, match="no item of the detector's training data has a box"
    ):
        train_detector(_items(2, boxes=False), CONFIG)


def _seen_boxes(zoom: float, colour_jitter: float) -> tuple[np.ndarray, np.ndarray]:
    """Sixteen training photos of the dark square, and their only boxes."""
    config = dataclasses.replace(
        CONFIG, zoom=zoom, colour_jitter=colour_jitter, batch_size=16
    )
    images, truth = next(iter(training_batches(_items(8), config, seed=2)))
    assert truth["boxes"].shape == (16, 1, 4)
    return images.numpy(), truth["boxes"].numpy()[:, 0]


def test_zoomed_boxes_stay_around_their_objects() -> None:
    images, boxes = _seen_boxes(zoom=0.3, colour_jitter=0.0)
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    assert np.ptp(sides) > 0.1  # a half of the photo's side before
    for image, box in zip(images, boxes):
        dark = image[..., 0] < 150
        rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
        seen = np.array([rows[0], columns[0], rows[-1] + 1, columns[-1] + 1])
        np.testing.assert_allclose(box * 64, seen, atol=2.0)


def test_recoloured_photos_keep_their_white_and_their_boxes() -> None:
    images, boxes = _seen_boxes(zoom=0.0, colour_jitter=0.3)
    np.testing.assert_allclose(boxes[:, 2:] - boxes[:, :2], 0.5, atol=1e-5)
    colours = {tuple(image[~(image == 255).all(axis=-1)][0]) for image in images}
    assert len(colours) > 10
    assert all((image == 255).all(axis=-1).any() for image in images)


def test_a_box_mostly_out_of_the_window_is_left_out() -> None:
    image = tf.zeros([64, 64, 3], tf.uint8)
    boxes = tf.constant([[0.0, 0.0, 0.02, 0.02], [0.3, 0.3, 0.7, 0.7]])
    truth = {"boxes": boxes, "classes": tf.constant([1.0, 2.0])}
    random = tf.random.Generator.from_seed(0)
    kept = [
        _zoom(image, truth, random, zoom=0.5)[1]["classes"].numpy().tolist()
        for _ in range(40)
    ]
    assert all(2.0 in classes for classes in kept)
    assert any(1.0 in classes for classes in kept)
    assert any(1.0 not in classes for classes in kept)


@pytest.fixture(scope="module")
def extractor(detector) -> FeatureExtractor:
    """Features by the trained detector."""
    return FeatureExtractor(FeatureModels(detector, small_heads()))


@pytest.mark.slow
def test_features_do_not_depend_on_the_batch(extractor) -> None:
    one, many = (extractor.extract(_items(5), 5, batch_size=size) for size in (1, 5))
    np.testing.assert_allclose(one, many, atol=1e-4)
    attached = extractor.attach(_items(5)).as_numpy_iterator()
    np.testing.assert_allclose([item["features"] for item in attached], many, atol=1e-4)
    assert many.shape == (5, feature_schema().size)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1), (3, 90), (200, 150)])
def test_odd_photos_have_finite_features(extractor, shape) -> None:
    [seen] = extractor.extract_photos([np.full((*shape, 3), 255, np.uint8)])
    assert np.isfinite(seen.features).all()
