"""Patch dropout and stochastic depth; with a share of 0 they equal the plain tower."""

import keras
import numpy as np
import pytest

from fitrank_tf.towers.patch_dropout import (
    drop_block,
    drop_patches,
    has_content,
    pool_with_dropout,
)


def _tokens(batch: int, patches: int) -> np.ndarray:
    """Token p of photo b is [b, p]; the class token is number 0."""
    photo, place = np.mgrid[:batch, : patches + 1]
    return np.stack([photo, place], axis=-1).astype("float32")


def _kept(content: np.ndarray, share: float, seeds) -> np.ndarray:
    """Which patches of each photo are kept, rising, [B, 1 + K] with the class token."""
    batch, patches = content.shape
    tokens = drop_patches(_tokens(batch, patches), content, share, seeds, class_tokens=1)
    return np.sort(np.asarray(tokens)[..., 1], axis=1).astype(int)


@pytest.mark.parametrize(
    ("share", "kept"), [(0.0, 12), (0.25, 9), (0.5, 6), (0.9, 1), (0.99, 1)]
)
def test_the_class_token_and_some_patches_are_kept(share, kept) -> None:
    tokens = drop_patches(
        _tokens(5, 12), np.ones((5, 12), bool), share, keras.random.SeedGenerator(0), 1
    )
    tokens = np.asarray(tokens)
    assert tokens.shape == (5, 1 + kept, 2)
    for photo, rows in enumerate(tokens):
        assert (rows[:, 0] == photo).all()
        places = rows[:, 1].tolist()
        assert places[0] == 0
        # Each of them once, and the class token not again.
        assert len(set(places)) == 1 + kept


def test_every_photo_and_every_step_draws_anew() -> None:
    seeds = keras.random.SeedGenerator(0)
    first, second = (_kept(np.ones((40, 16), bool), 0.5, seeds) for _ in range(2))
    assert len(np.unique(first, axis=0)) > 30
    assert (first != second).any(axis=1).mean() > 0.9
    # All patches are as likely: each is in about half of 80 draws.
    drawn = np.concatenate([first, second])[:, 1:]
    counts = np.bincount(drawn.ravel(), minlength=17)[1:]
    assert counts.min() > 20 and counts.max() < 60


@pytest.mark.parametrize("with_content", [4, 8, 12])
def test_backdrop_goes_first(with_content: int) -> None:
    """Half of 16 patches are kept; those with content come with a head start of 0.5."""
    content = np.zeros((2000, 16), bool)
    content[:, :with_content] = True
    kept = _kept(content, 0.5, keras.random.SeedGenerator(0))[:, 1:]
    generator = np.random.default_rng(0)
    drawn = generator.random((2000, 16)) - 0.5 * content
    expected = 1 + np.argsort(drawn, axis=1)[:, :8]
    share = np.isin(kept, np.arange(1, with_content + 1)).mean()
    assert share == pytest.approx((expected <= with_content).mean(), abs=0.02)
    assert share > with_content / 16


def test_a_patch_with_an_edge_has_content() -> None:
    photos = np.full((1, 8, 12, 3), 250.0, "float32")[:, :8, :8]
    photos[0, 5, 6] = 0.0
    photos[0, 0, 0] += 3.0  # what JPEG leaves on white
    np.testing.assert_array_equal(has_content(photos, 4), [[False, False, False, True]])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_a_left_out_block_adds_nothing_and_the_mean_stays(share: float) -> None:
    before = np.ones((4000, 3, 2), "float32")
    after = np.asarray(
        drop_block(before, before + 2.0, share, keras.random.SeedGenerator(1))
    )
    added = after - before
    assert (added == added[:, :1, :1]).all()  # all of a photo, or nothing
    left_out = added[:, 0, 0] == 0.0
    assert left_out.mean() == pytest.approx(share, abs=0.03)
    np.testing.assert_allclose(added[~left_out], 2.0 / (1 - share), rtol=1e-5)


def test_with_all_of_it_it_is_the_image_tower(towers, images) -> None:
    seeds = keras.random.SeedGenerator(0)
    whole = np.asarray(towers.pool_images(images))
    same = np.asarray(pool_with_dropout(towers, images, 0.0, 0.0, seeds))
    np.testing.assert_allclose(same, whole, atol=1e-5)
    for shares in ((0.5, 0.0), (0.0, 0.5)):
        part = np.asarray(pool_with_dropout(towers, images, *shares, seeds))
        assert part.shape == whole.shape
        assert np.abs(part - whole).max() > 1e-3
