"""Training photos before other backdrops: as many as asked for, their boxes untouched."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.config import DetectorConfig
from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.features.garment.detector_training import training_batches

SIDE, PHOTOS, SEEN = 64, 8, 160
BLUE = (40, 60, 160)


def _items() -> tf.data.Dataset:
    """Photos of one blue rectangle each, all of them different."""
    data = []
    for number in range(PHOTOS):
        top, left = 4 + 2 * number, 30 - 3 * number
        image = np.full((SIDE, SIDE, 3), 255, np.uint8)
        image[top : top + 24, left : left + 32] = BLUE
        data.append((image, np.array([[top, left, top + 24, left + 32]]) / SIDE, number))
    images, boxes, labels = map(np.stack, zip(*data))
    objects = {"bbox": boxes.astype(np.float32), "label": labels[:, None]}
    return tf.data.Dataset.from_tensor_slices({"image": images, "objects": objects})


@functools.cache
def _seen(pasted: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images [N, S, S, 3], boxes in pixels [N, 4] and classes [N] of a batch."""
    config = DetectorConfig(
        image_size=SIDE, num_images=PHOTOS, batch_size=SEEN, pasted=pasted
    )
    images, truth = next(iter(training_batches(_items(), config, seed)))
    assert truth["boxes"].shape == (SEEN, 1, 4)
    boxes = np.rint(truth["boxes"][:, 0] * SIDE).astype(int)
    return images.numpy(), boxes, truth["classes"].numpy()[:, 0].astype(int)


def _is_pasted(images: np.ndarray) -> np.ndarray:
    """bool [N]: the corners are not white any more."""
    return (images[:, [0, 0, -1, -1], [0, -1, 0, -1]] < 255).any(axis=(1, 2))


@pytest.mark.parametrize("pasted", [0.0, 0.3, 0.7])
def test_a_share_of_the_photos_is_pasted(pasted: float) -> None:
    # Three standard deviations of 160 draws.
    around = 3 * np.sqrt(pasted * (1 - pasted) / SEEN)
    assert _is_pasted(_seen(pasted)[0]).mean() == pytest.approx(pasted, abs=around)


@pytest.mark.parametrize("pasted", [0.0, 0.7])
def test_boxes_and_classes_stay_with_their_photo(pasted: float) -> None:
    images, boxes, classes = _seen(pasted)
    for image, (top, left, bottom, right), number in zip(images, boxes, classes):
        # One pixel of the outline is soft.
        inner = image[top + 1 : bottom - 1, left + 1 : right - 1]
        np.testing.assert_array_equal(inner, np.broadcast_to(BLUE, inner.shape))
        assert top == 4 + 2 * number and bottom - top == 24 and right - left == 32
        assert left in (30 - 3 * number, SIDE - 32 - (30 - 3 * number))  # or mirrored
    assert set(classes) == set(range(PHOTOS)) and len(OBJECT_CLASSES) > PHOTOS


def test_a_photo_is_pasted_on_several_backdrops() -> None:
    images, _, classes = _seen(0.7)
    of_one = images[_is_pasted(images) & (classes == 0)]
    assert len({image[0, 0].tobytes() for image in of_one}) > len(of_one) / 2


def test_the_seed_decides_which_are_pasted() -> None:
    one, other = (_is_pasted(_seen(0.7, seed)[0]) for seed in (0, 1))
    assert (one != other).any()
