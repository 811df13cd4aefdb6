"""Features in tf.data: each item keeps its own, whatever the pipeline does."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.features.extract import attach_features, extract_features, feature_schema
from fitrank_tf.models.detector import Detector

# Photos of several sizes and colours, one of them grey, one blank.
PHOTOS = [
    ((60, 40), (200, 30, 30)),
    ((30, 90), (30, 60, 180)),
    ((128, 128), (120, 120, 120)),
    ((33, 7), (255, 255, 255)),
    ((50, 50), (30, 160, 60)),
]


class _BoxByColour(tf.Module):
    """One sure box of each kind, its place told by the photo's mean colour.

    A network that was never trained scores its boxes almost alike, so that the
    rounding of another batch would choose another box.
    """

    @tf.function(input_signature=[tf.TensorSpec([None, 64, 64, 3], tf.float32)])
    def detect(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        corner = tf.reduce_mean(images, axis=[1, 2])[:, :2] / 512.0
        box = tf.concat([corner, corner + 0.4], axis=1)
        boxes = tf.stack([box, box * 0.9], axis=1)
        classes = tf.constant([[0, OBJECT_CLASSES.index("neckline")]])
        scores = tf.constant([[0.9, 0.8]])
        batch = [tf.shape(images)[0], 1]
        return {
            "boxes": boxes,
            "classes": tf.tile(classes, batch),
            "scores": tf.tile(scores, batch),
        }


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(_BoxByColour())


def _items() -> tf.data.Dataset:
    def generate():
        for number, (shape, colour) in enumerate(PHOTOS):
            image = np.full((*shape, 3), 255, np.uint8)
            image[2:-2, 2:-2] = colour
            bbox = np.full((number, 4), 0.5, np.float32)
            yield {"id": str(number), "image": image, "objects": {"bbox": bbox}}

    return tf.data.Dataset.from_generator(
        generate,
        output_signature={
            "id": tf.TensorSpec([], tf.string),
            "image": tf.TensorSpec([None, None, 3], tf.uint8),
            "objects": {"bbox": tf.TensorSpec([None, 4], tf.float32)},
        },
    )


def test_attached_items_are_whole(detector) -> None:
    attached = attach_features(_items(), detector)
    for item, before in zip(attached, _items(), strict=True):
        assert item["id"] == before["id"]
        np.testing.assert_array_equal(item["image"], before["image"])
        assert item["objects"]["bbox"].shape == before["objects"]["bbox"].shape
        assert item["detected"]["boxes"].shape[1:] == (4,)


def test_features_stay_with_their_photo_when_items_are_shuffled(detector) -> None:
    expected = extract_features(_items(), len(PHOTOS), detector)
    shuffled = attach_features(_items().shuffle(5), detector)
    rows = {int(item["id"]): item["features"] for item in shuffled.as_numpy_iterator()}
    for number, features in enumerate(expected):
        np.testing.assert_allclose(rows[number], features, atol=1e-4)


def test_extracted_features_say_what_colour_the_photo_has(detector) -> None:
    features = extract_features(_items(), len(PHOTOS), detector, batch_size=2)
    a, b = features[:, feature_schema().slice("mean_ab")].T
    assert a[0] > 0.2  # red
    assert b[1] < -0.2  # blue
    assert abs(a[2]) < 0.05 and abs(b[2]) < 0.05  # grey
    assert a[4] < -0.2  # green


def test_a_wrong_count_is_refused(detector) -> None:
    with pytest.raises(ValueError, match="6 items were announced, 5 came"):
        extract_features(_items(), 6, detector)


def test_the_schema_covers_the_vector() -> None:
    schema = feature_schema()
    assert schema.groups == ("boxes", "colour")
    low, high = schema.bounds()
    assert low.shape == high.shape == (schema.size,)
