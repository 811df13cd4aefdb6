"""The mask of a figure before a plain backdrop, and the replaced backdrop."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.inputs.backdrops import figure_mask, paste_on_backdrop

SIDE = 64
WHITE, GREY, BLUE = (255, 255, 255), (200, 205, 210), (40, 60, 160)
# Rows 16..47 and columns 20..43: a fifth of the photo.
FIGURE = (slice(16, 48), slice(20, 44))
INSIDE = (slice(17, 47), slice(21, 43))


def ground(colour: tuple[int, int, int] = WHITE) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), colour, np.uint8)


def studio_photo(colour: tuple[int, int, int] = WHITE) -> np.ndarray:
    photo = ground(colour)
    photo[FIGURE] = BLUE
    return photo


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)


def around() -> np.ndarray:
    """bool [S, S], true two pixels and more away from the figure."""
    far = np.ones((SIDE, SIDE), bool)
    far[14:50, 18:46] = False
    return far


def paste(photo: np.ndarray, seed: int, other: np.ndarray | None = None) -> np.ndarray:
    other = noise() if other is None else other
    return paste_on_backdrop(
        tf.constant(photo), tf.constant(other), tf.constant([7, seed], tf.int64)
    ).numpy()


@pytest.mark.parametrize("colour", [WHITE, GREY, (120, 160, 90)])
def test_the_mask_is_the_figure(colour) -> None:
    expected = np.zeros((SIDE, SIDE), np.float32)
    expected[FIGURE] = 1
    mask = figure_mask(tf.constant(studio_photo(colour))).numpy()
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("colour", [WHITE, GREY])
def test_small_differences_in_lightness_are_backdrop(colour) -> None:
    photo = studio_photo(colour).astype(int)
    photo += np.random.default_rng(0).integers(-5, 6, photo.shape)
    mask = figure_mask(tf.constant(np.clip(photo, 0, 255).astype(np.uint8)))
    assert np.sum(mask) == 32 * 24


def test_white_around_a_coloured_photo_is_backdrop_too() -> None:
    photo = studio_photo(GREY)
    photo[4:60, 4:8] = WHITE
    assert not figure_mask(tf.constant(photo)).numpy()[:, :12].any()


@pytest.mark.parametrize(("hole", "closed"), [(1, True), (3, True), (4, True), (12, False)])
def test_small_holes_are_closed(hole: int, closed: bool) -> None:
    photo = studio_photo()
    photo[26 : 26 + hole, 26 : 26 + hole] = WHITE
    mask = figure_mask(tf.constant(photo)).numpy()
    assert mask[FIGURE].all() == closed
    assert mask.sum() == 32 * 24 - (0 if closed else hole**2)


def test_closing_keeps_a_figure_at_the_edge() -> None:
    photo = ground()
    photo[30:, 20:44] = BLUE
    mask = figure_mask(tf.constant(photo)).numpy()
    assert mask[30:, 20:44].all() and mask.sum() == 34 * 24


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("colour", [WHITE, GREY])
def test_the_figure_is_kept_and_the_backdrop_replaced(seed: int, colour) -> None:
    photo = studio_photo(colour)
    pasted = paste(photo, seed)
    assert pasted.dtype == np.uint8 and pasted.shape == photo.shape
    np.testing.assert_array_equal(pasted[INSIDE], photo[INSIDE])
    # One pixel may by chance be as it was.
    changed = (pasted != photo).any(axis=-1)[around()]
    assert changed.mean() > 0.95


def before_grey() -> np.ndarray:
    """A black figure pasted on even grey of 90: its middle row."""
    photo = ground()
    photo[FIGURE] = 0
    shown = (paste(photo, seed, ground((90, 90, 90))) for seed in range(60))
    return next(pasted for pasted in shown if (pasted[around()] == 90).all())[32, :, 0]


def test_the_outline_is_blended() -> None:
    # A straight edge at column 20: of its neighbours six of nine are the figure's.
    assert before_grey()[[22, 21, 20, 18, 17]].tolist() == [0, 0, 30, 90, 90]


def test_no_white_is_left_around_the_figure() -> None:
    assert before_grey().max() <= 90


def test_half_of_the_backdrops_are_the_other_photo() -> None:
    # An even photo gives an even backdrop of its colour, blots do not.
    even = [
        (
            paste(studio_photo(), seed, ground((10, 200, 30)))[around()] == (10, 200, 30)
        ).all()
        for seed in range(60)
    ]
    assert 18 <= sum(even) <= 42


def test_the_seed_determines_the_backdrop() -> None:
    once, again, other = (paste(studio_photo(), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def without_figure() -> dict[str, np.ndarray]:
    speck, full = ground(), ground()
    speck[10:18, 10:18] = BLUE  # 64 of 4096 pixels
    full[1:63, 1:63] = BLUE
    return {"nothing": ground(), "speck": speck, "full": full, "noise": noise(3)}


@pytest.mark.parametrize("kind", without_figure())
def test_a_photo_without_a_figure_is_unchanged(kind: str) -> None:
    photo = without_figure()[kind]
    for seed in range(4):
        np.testing.assert_array_equal(paste(photo, seed), photo)


def test_it_works_in_a_dataset() -> None:
    photos = tf.data.Dataset.from_tensors((studio_photo(), noise()))
    seed = tf.constant([7, 3], tf.int64)
    (pasted,) = photos.map(lambda *pair: paste_on_backdrop(*pair, seed)).as_numpy_iterator()
    np.testing.assert_array_equal(pasted, paste(studio_photo(), 3))
