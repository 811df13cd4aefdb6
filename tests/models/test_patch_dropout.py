"""Patch dropout: what is kept is whole, and all kept is the plain image tower."""

import keras
import numpy as np
import pytest

from fitrank_tf.models.patch_dropout import drop_patches, encode_with_fewer_patches


def _tokens(batch: int, patches: int) -> np.ndarray:
    """Token p of photo b is [b, p]; the class token is number 0."""
    photo, place = np.mgrid[:batch, : patches + 1]
    return np.stack([photo, place], axis=-1).astype("float32")


@pytest.mark.parametrize(
    ("share", "kept"), [(0.0, 12), (0.25, 9), (0.5, 6), (0.9, 1), (0.99, 1)]
)
def test_the_class_token_and_some_patches_are_kept(share, kept) -> None:
    tokens = np.asarray(drop_patches(_tokens(5, 12), share, keras.random.SeedGenerator(0)))
    assert tokens.shape == (5, 1 + kept, 2)
    for photo, rows in enumerate(tokens):
        assert (rows[:, 0] == photo).all()
        places = rows[:, 1].tolist()
        assert places[0] == 0
        # Each of them once, and the class token not again.
        assert len(set(places)) == 1 + kept


def test_every_photo_and_every_step_draws_anew() -> None:
    seeds = keras.random.SeedGenerator(0)
    first, second = (
        np.sort(np.asarray(drop_patches(_tokens(40, 16), 0.5, seeds))[..., 1], axis=1)
        for _ in range(2)
    )
    assert len(np.unique(first, axis=0)) > 30
    assert (first != second).any(axis=1).mean() > 0.9
    # All patches are as likely: each is in about half of 80 draws.
    drawn = np.concatenate([first, second])[:, 1:].astype(int)
    counts = np.bincount(drawn.ravel(), minlength=17)[1:]
    assert counts.min() > 20 and counts.max() < 60


def test_with_all_patches_it_is_the_image_tower(towers, images) -> None:
    seeds = keras.random.SeedGenerator(0)
    whole = np.asarray(encode_with_fewer_patches(towers, images, 0.0, seeds))
    np.testing.assert_allclose(whole, towers.encode_images(images), atol=1e-6)
    part = np.asarray(encode_with_fewer_patches(towers, images, 0.5, seeds))
    np.testing.assert_allclose(np.linalg.norm(part, axis=1), 1.0, rtol=1e-5)
    assert np.abs(part - whole).max() > 1e-3
