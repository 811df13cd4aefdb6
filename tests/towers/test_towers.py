"""The towers: unit embeddings, patch positions, preset folders."""

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.presets import towers_from_preset
from tests.towers.small_towers import embed


def test_embeddings_are_unit_vectors_of_the_right_width(towers, images) -> None:
    for embedded in embed(towers, images):
        assert embedded.shape == (3, 12)
        np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1.0, rtol=1e-5)


def test_patches_have_places(towers, images) -> None:
    """KerasHub leaves all patches at place 0; then swapping two would change nothing."""
    swapped = images.copy()
    swapped[:, :16, :16], swapped[:, 16:, 16:] = images[:, 16:, 16:], images[:, :16, :16]
    plain, _ = embed(towers, images)
    other, _ = embed(towers, swapped)
    assert np.abs(plain - other).max() > 1e-4


def test_preset_folder_gives_the_same_towers(towers, images, tmp_path) -> None:
    towers.save_to_preset(tmp_path / "preset")
    loaded = towers_from_preset(str(tmp_path / "preset"), context_length=10)
    for before, after in zip(embed(towers, images), embed(loaded, images)):
        np.testing.assert_allclose(after, before, atol=1e-6)


def test_preset_cuts_the_context_to_what_it_can_read(towers, tmp_path) -> None:
    towers.save_to_preset(tmp_path / "preset")
    assert (
        towers_from_preset(str(tmp_path / "preset"), context_length=77).context_length == 10
    )


def test_wrong_preset_is_named(tmp_path) -> None:
    with pytest.raises(FitRankError, match="no-such-folder"):
        towers_from_preset(str(tmp_path / "no-such-folder"), context_length=10)


def test_another_image_size_interpolates_the_positions(towers) -> None:
    """Twice the patches a side: each old position is where its four patches' mean is."""
    larger = towers.with_image_size(64)
    old, new = (
        np.asarray(some.backbone.vision_encoder.embedding.position_embedding.embeddings)
        for some in (towers, larger)
    )
    assert larger.image_size == 64 and new.shape == (17, 24)
    np.testing.assert_array_equal(new[0], old[0])
    # Far from the border cubic interpolation keeps what is linear; here all is border,
    # but the mean of the grid stays.
    np.testing.assert_allclose(new[1:].mean(axis=0), old[1:].mean(axis=0), atol=1e-5)
    corner = new[1:].reshape(4, 4, 24)[0, 0]
    nearest = np.abs(old[1:] - corner).sum(axis=1).argmin()
    assert nearest == 0
    tokens = np.ones((1, towers.context_length), "int32")
    np.testing.assert_allclose(
        larger.encode_tokens(tokens), towers.encode_tokens(tokens), atol=1e-6
    )


def test_the_same_image_size_is_the_same_towers(towers) -> None:
    assert towers.with_image_size(towers.image_size) is towers
