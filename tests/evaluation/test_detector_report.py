"""The report on a stand-in detector whose hits are known by hand."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.evaluation.detector_report import measure_detector
from fitrank_tf.features.garment.detector import Detector

TOP, BAG, SLEEVE, NECKLINE = map(OBJECT_CLASSES.index, ("top", "bag", "sleeve", "neckline"))
GARMENT, PART = [0.2, 0.2, 0.8, 0.8], [0.2, 0.2, 0.4, 0.4]


class _AlwaysTheSame(tf.Module):
    """One garment called a top, one sleeve, and padding, whatever the photo."""

    @tf.function(input_signature=[tf.TensorSpec([None, 64, 64, 3], tf.float32)])
    def detect(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        batch = tf.shape(images)[0]
        boxes = tf.constant([[GARMENT, PART, [0.0] * 4]])
        return {
            "boxes": tf.tile(boxes, [batch, 1, 1]),
            "classes": tf.tile(tf.constant([[TOP, SLEEVE, -1]]), [batch, 1]),
            "scores": tf.tile(tf.constant([[0.9, 0.8, 0.0]]), [batch, 1]),
        }


def _item(*objects: tuple[int, list[float]]) -> dict:
    """A square photo, so that its boxes are those of the square."""
    labels, boxes = zip(*objects)
    return {
        "image": tf.zeros([64, 64, 3], tf.uint8),
        "objects": {
            "bbox": tf.constant(boxes, tf.float32),
            "label": tf.constant(labels, tf.int64),
        },
    }


def test_every_kind_is_measured_and_a_garment_whatever_its_class() -> None:
    shrunk = [0.2, 0.2, 0.8, 0.62]  # overlaps the garment by 0.7
    items = [
        _item((TOP, GARMENT), (SLEEVE, PART), (NECKLINE, PART)),
        _item((BAG, shrunk)),
    ]
    report = measure_detector(Detector(_AlwaysTheSame()), items)
    assert report.num_photos == 2
    assert report.ap50["garment"] == pytest.approx(1.0)
    # One of two garments is found above an overlap of 0.7; the wrong one comes second.
    assert 0.5 < report.ap["garment"] < 1.0
    # Of two sleeves found the first is right: equal scores, in the photos' order.
    assert report.ap50["sleeve"] == pytest.approx(1.0)
    assert report.ap50["neckline"] == 0.0
    assert report.class_accuracy == 0.5
    assert "| neckline | 0.000 | 0.000 |" in report.table()


def test_boxes_are_compared_in_the_photo_not_in_its_padded_square() -> None:
    # A photo half as wide as high fills the middle half of its square.
    wide = {**_item((TOP, [0.2, 0.0, 0.8, 1.0])), "image": tf.zeros([64, 32, 3], tf.uint8)}
    report = measure_detector(Detector(_AlwaysTheSame()), [wide])
    assert report.ap["garment"] == pytest.approx(1.0)
    assert np.isnan(report.ap50["sleeve"])
