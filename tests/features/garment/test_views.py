"""Products cut out of photos, against windows worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.features.garment.crop import GarmentCrop
from fitrank_tf.features.garment.detector import Detector
from fitrank_tf.features.garment.views import (
    GarmentViews,
    cut_out_garments,
    detect_in_photos,
    jittered,
    photo_squares,
    view_garments,
)

RED, BLUE, WHITE = (200, 20, 20), (20, 20, 200), (255, 255, 255)
BAG = OBJECT_CLASSES.index("bag")


class _MiddleHalf(tf.Module):
    """Finds a bag in the middle half of every square; its score is the square's red."""

    @tf.function(input_signature=[tf.TensorSpec([None, 64, 64, 3], tf.float32)])
    def detect(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        batch = tf.shape(images)[0]
        return {
            "boxes": tf.tile([[[0.25, 0.25, 0.75, 0.75]]], [batch, 1, 1]),
            "classes": tf.fill([batch, 1], BAG),
            "scores": images[:, 32, 32, :1] / 255.0,
        }


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(_MiddleHalf())


def _halves(height: int, width: int) -> np.ndarray:
    """Red on the left, blue on the right."""
    photo = np.full((height, width, 3), RED, np.uint8)
    photo[:, width // 2 :] = BLUE
    return photo


@pytest.mark.parametrize(
    ("shape", "filled"),
    [
        # Rows and columns of the 224-pixel square that the photo fills.
        ((50, 100), (slice(56, 168), slice(0, 224))),
        ((100, 50), (slice(0, 224), slice(56, 168))),
        ((7, 7), (slice(0, 224), slice(0, 224))),
        ((448, 224), (slice(0, 224), slice(56, 168))),
    ],
)
def test_photos_lie_in_the_middle_of_white_squares(shape, filled) -> None:
    photo = tf.fill([*shape, 3], tf.constant(9, tf.uint8))
    small, large, size = photo_squares(photo, 64)
    assert (small.shape, large.shape) == ((64, 64, 3), (224, 224, 3))
    np.testing.assert_array_equal(size, shape)
    expected = np.full((224, 224, 3), 255)
    expected[filled] = 9
    np.testing.assert_array_equal(large, expected)


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ((100, 100), [0.25, 0.25, 0.75, 0.75]),
        # All rows of the photo are in the middle half of the square.
        ((50, 100), [0.0, 0.25, 1.0, 0.75]),
        ((100, 50), [0.25, 0.0, 0.75, 1.0]),
        # The photo fills 48 of 64 rows, the box 32 of them: 8 / 48 to 40 / 48.
        ((75, 100), [1 / 6, 0.25, 5 / 6, 0.75]),
    ],
)
def test_boxes_are_in_the_photos_own_coordinates(detector, shape, box) -> None:
    square = photo_squares(tf.zeros([*shape, 3], tf.uint8), 64)[0]
    found = detect_in_photos(detector, square[None], tf.constant([shape]))
    np.testing.assert_allclose(found.boxes, [[box]], atol=1e-6)
    assert found.classes.numpy().tolist() == [[BAG]]


@pytest.mark.parametrize("shape", [(40, 80), (80, 40), (224, 224), (2, 2)])
@pytest.mark.parametrize(
    ("box", "colours"),
    [
        ([0.0, 0.0, 1.0, 0.5], {RED}),
        ([0.2, 0.5, 0.9, 1.0], {BLUE}),
        ([0.0, 0.0, 0.0, 0.0], {RED, BLUE}),
    ],
)
def test_products_are_cut_out_without_padding(shape, box, colours) -> None:
    large = photo_squares(tf.constant(_halves(*shape)), 64)[1].numpy()
    # The resizing blends the two colours where they meet, far from most pixels.
    [crop] = cut_out_garments(large[None], np.array([shape]), np.float32([box]))
    corners = {tuple(crop.pixels[y, x].tolist()) for y in (0, -1) for x in (4, -5)}
    if shape != (2, 2):  # of two pixels all is blend
        assert corners == colours
    assert WHITE not in {tuple(pixel) for pixel in crop.pixels.reshape(-1, 3).tolist()}


# Side in pixels of the crops to jitter.
SIDE = 96


def _crop(pixels: np.ndarray) -> GarmentCrop:
    return GarmentCrop(pixels.astype(np.uint8), np.uint8(WHITE), 0.1, 0.2)


def _ramps(count: int) -> GarmentViews:
    """Crops that are 0 on the left and 190 on the right; row 0 to 95 in green."""
    along = np.arange(SIDE)
    pixels = np.stack(
        [
            *np.broadcast_arrays(2 * along[None, :], along[:, None]),
            np.full((SIDE, SIDE), 7),
        ],
        axis=-1,
    )
    evidence = np.arange(13 * count, dtype=np.float32).reshape(count, 13)
    return GarmentViews([_crop(pixels) for _ in range(count)], evidence)


def test_jittered_products_are_other_windows_and_half_of_them_mirrored() -> None:
    views = _ramps(60)
    before = views.crops[0].pixels.copy()
    seen = jittered(views, np.random.default_rng(0))
    np.testing.assert_array_equal(views.crops[0].pixels, before)
    np.testing.assert_array_equal(seen.evidence, views.evidence)
    red = np.array([crop.pixels[0, [0, -1], 0].astype(int) for crop in seen.crops])
    green = np.array([crop.pixels[[0, -1], 0, 1].astype(int) for crop in seen.crops])
    mirrored = red[:, 0] > red[:, 1]
    assert 15 <= mirrored.sum() <= 45
    assert (green[:, 0] < green[:, 1]).all()  # never upside down
    for ramp, whole in ((np.abs(red[:, 1] - red[:, 0]), 190), (np.ptp(green, 1), 95)):
        # 0.8 to 1 of each side, less the rounding to whole pixels.
        assert ramp.min() >= 0.77 * whole and ramp.max() <= whole
        assert len(set(ramp.tolist())) > 5
    assert (seen.crops[0].skin_above, seen.crops[0].figure_top) == (0.1, 0.2)


def test_jitter_follows_from_the_generator() -> None:
    views = _ramps(3)
    one, same, other = (jittered(views, np.random.default_rng(s)) for s in (1, 1, 2))
    for crop, again, different in zip(one.crops, same.crops, other.crops):
        np.testing.assert_array_equal(crop.pixels, again.pixels)
        assert not np.array_equal(crop.pixels, different.pixels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1)])
def test_a_jittered_crop_keeps_a_pixel(shape) -> None:
    crops = [_crop(np.full((*shape, 3), 9)) for _ in range(20)]
    views = GarmentViews(crops, np.zeros((20, 13), np.float32))
    for crop in jittered(views, np.random.default_rng(0)).crops:
        assert min(crop.pixels.shape[:2]) >= 1


def test_a_catalogue_is_viewed_in_its_order(detector) -> None:
    # More than a batch; photo k has k of 255 in its red.
    photos = np.arange(70, 70 + 40, dtype=np.uint8)[:, None, None, None]
    photos = np.repeat(np.broadcast_to(photos, (40, 20, 20, 1)), 3, axis=-1)
    items = tf.data.Dataset.from_tensor_slices({"image": photos})
    views = view_garments(items, 40, detector)
    assert [int(crop.pixels[0, 0, 0]) for crop in views.crops] == [*range(70, 110)]
    expected = np.zeros((40, 13))
    expected[:, BAG] = np.arange(70, 110) / 255
    # A box is only sure enough from 0.25 on, and all of these are.
    expected[:, 11:] = 0.5
    np.testing.assert_allclose(views.evidence, expected, atol=1e-6)
