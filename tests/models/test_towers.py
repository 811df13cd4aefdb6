"""Towers, LoRA and fusion on a very small CLIP."""

import keras
import numpy as np
import pytest

from fitrank_tf.config import LoraConfig, TowersConfig
from fitrank_tf.errors import FitRankError
from fitrank_tf.inputs.tokenise import tokenise
from fitrank_tf.inputs.vocabulary import learn_vocabulary
from fitrank_tf.models.fusion import FeatureFusion
from fitrank_tf.models.lora import apply_lora
from fitrank_tf.models.towers import Towers, towers_from_preset, towers_from_sizes

TITLES = ["red check shirt", "women navy blue kurta", "black casual shoes"]
SIZES = TowersConfig(
    image_size=32,
    patch_size=16,
    vision_width=24,
    vision_layers=2,
    vision_heads=2,
    text_width=16,
    text_layers=1,
    text_heads=2,
    embedding_dim=12,
    vocabulary_size=600,
    context_length=10,
)


@pytest.fixture
def towers() -> Towers:
    return towers_from_sizes(SIZES, learn_vocabulary(TITLES, 600), seed=1)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3)).astype("uint8")


def _embed(towers: Towers, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tokens = tokenise(towers.tokenizer, TITLES, towers.context_length)
    return np.asarray(towers.encode_images(images)), np.asarray(
        towers.encode_tokens(tokens)
    )


def test_embeddings_are_unit_vectors_of_the_right_width(towers, images) -> None:
    for embedded in _embed(towers, images):
        assert embedded.shape == (3, 12)
        np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1.0, rtol=1e-5)


def test_patches_have_places(towers, images) -> None:
    """KerasHub leaves all patches at place 0; then swapping two would change nothing."""
    swapped = images.copy()
    swapped[:, :16, :16], swapped[:, 16:, 16:] = images[:, 16:, 16:], images[:, :16, :16]
    plain, _ = _embed(towers, images)
    other, _ = _embed(towers, swapped)
    assert np.abs(plain - other).max() > 1e-4


def test_preset_folder_gives_the_same_towers(towers, images, tmp_path) -> None:
    towers.save_to_preset(tmp_path / "preset")
    loaded = towers_from_preset(str(tmp_path / "preset"), context_length=10)
    for before, after in zip(_embed(towers, images), _embed(loaded, images)):
        np.testing.assert_allclose(after, before, atol=1e-6)


def test_preset_cuts_the_context_to_what_it_can_read(towers, tmp_path) -> None:
    towers.save_to_preset(tmp_path / "preset")
    assert (
        towers_from_preset(str(tmp_path / "preset"), context_length=77).context_length == 10
    )


def test_wrong_preset_is_named(tmp_path) -> None:
    with pytest.raises(FitRankError, match="no-such-folder"):
        towers_from_preset(str(tmp_path / "no-such-folder"), context_length=10)


@pytest.mark.parametrize(
    ("targets", "layers", "trained"),
    # Keras factors a kernel [width, 2 heads, width / 2] as A [width, 2, rank] and
    # B [rank, width / 2]: at rank 2, 96 + 24 in each of 2 image blocks (width 24)
    # and 64 + 16 in the text block (width 16).
    [(("query",), 3, 2 * (96 + 24) + 64 + 16), (("query", "value"), 6, 640)],
)
def test_lora_trains_the_adapters_alone(towers, images, targets, layers, trained) -> None:
    before = _embed(towers, images)
    adapted = apply_lora(towers.backbone, LoraConfig(rank=2, targets=targets))
    assert len(adapted.layers) == layers
    names = {
        variable.path.split("/")[-1] for variable in towers.backbone.trainable_variables
    }
    assert names == {"lora_kernel_a", "lora_kernel_b"}
    assert adapted.trainable == trained
    for base, started in zip(before, _embed(towers, images)):
        np.testing.assert_allclose(started, base, atol=1e-6)


def test_merged_adapters_give_equal_embeddings(towers, images, tmp_path) -> None:
    base = _embed(towers, images)
    apply_lora(towers.backbone, LoraConfig(rank=2))
    generator = np.random.default_rng(5)
    for variable in towers.backbone.trainable_variables:
        variable.assign(generator.normal(scale=0.3, size=variable.shape))
    tuned = _embed(towers, images)
    towers.save_to_preset(tmp_path / "preset")
    merged = _embed(towers_from_preset(str(tmp_path / "preset"), 10), images)
    assert np.abs(tuned[0] - base[0]).max() > 1e-3
    for one, other in zip(tuned, merged):
        np.testing.assert_allclose(other, one, atol=1e-5)


def test_lora_without_a_match_is_refused() -> None:
    class Bare:
        name = "bare"
        weights = ()

        def _flatten_layers(self):
            return [keras.layers.Dense(2, name="other")]

    with pytest.raises(FitRankError, match="match no layer"):
        apply_lora(Bare(), LoraConfig())


def _fusion() -> FeatureFusion:
    fusion = FeatureFusion([[1, 1, 0], [0, 0, 1]], hidden=4, group_dropout=0.5)
    fusion.build((None, 12), (None, 3))
    return fusion


def test_untrained_fusion_changes_nothing(towers, images) -> None:
    embedded, _ = _embed(towers, images)
    features = np.random.default_rng(1).normal(size=(3, 3)).astype("float32")
    np.testing.assert_allclose(_fusion()(embedded, features), embedded, atol=1e-6)


def test_fusion_standardises_and_ignores_constant_features() -> None:
    features = np.array([[1, 7, 2], [3, 7, 4], [5, 7, 9]], "float32")
    fusion = _fusion()
    fusion.adapt(features)
    np.testing.assert_allclose(fusion.mean, features.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(
        fusion.scale, [1 / features[:, 0].std(), 0.0, 1 / features[:, 2].std()], rtol=1e-5
    )


def test_group_dropout_hides_whole_groups() -> None:
    kept = np.asarray(_fusion()._keep(400))
    np.testing.assert_array_equal(kept[:, 0], kept[:, 1])
    assert 0.3 < kept[:, 0].mean() < 0.7
    assert (kept[:, 0] != kept[:, 2]).any()
