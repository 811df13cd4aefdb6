"""Windows of photos against TensorFlow's own crop; invariants of the augmentation."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.towers.training.augmentation import Augmentation, crop


@pytest.mark.parametrize(
    "window",
    [
        (0.0, 1.0, 0.0, 1.0),
        (0.0, 1.0, 1.0, 0.0),
        (0.13, 0.84, 0.21, 0.95),
        (-0.05, 1.05, -0.1, 0.97),
        (0.4, 0.4001, 0.1, 0.9),
    ],
)
def test_a_window_is_tensorflows_crop(window: tuple[float, ...]) -> None:
    top, bottom, left, right = (np.full((2, 1), side, "float32") for side in window)
    images = np.random.default_rng(0).integers(0, 256, (2, 24, 18, 3)).astype("uint8")
    expected = tf.image.crop_and_resize(
        images.astype("float32"),
        np.concatenate([top, left, bottom, right], axis=1),
        [0, 1],
        [16, 16],
        extrapolation_value=255.0,
    )
    made = np.asarray(crop(images, top, bottom, left, right, 16))
    # Of a row or column that lies on the photo's very edge rounding decides.
    apart = np.abs(made - expected).max(axis=-1) > 0.05
    assert apart.mean() < 0.07
    if window[:2] != (-0.05, 1.05):
        assert not apart.any()


def test_colours_stay_and_windows_differ() -> None:
    red = np.tile(np.array([200, 30, 30], "uint8"), (32, 16, 16, 1))
    augmentation = Augmentation(seed=3)
    first, second = (np.asarray(augmentation(red)) for _ in range(2))
    is_red = np.abs(first - [200, 30, 30]).max(axis=-1) < 1
    is_white = (first > 254).all(axis=-1)
    assert (is_red | is_white).all()
    assert is_red.mean() > 0.7
    assert is_white.any(axis=(1, 2)).sum() > 2
    assert np.abs(first - second).max() > 100


def test_about_half_are_mirrored() -> None:
    ramp = np.tile(np.arange(0, 256, 16, dtype="uint8")[:, None], (64, 16, 1, 3))
    shown = np.asarray(Augmentation(seed=1)(ramp))
    rises = (shown[:, 8, 10] > shown[:, 8, 5])[:, 0]
    assert 16 < rises.sum() < 48
