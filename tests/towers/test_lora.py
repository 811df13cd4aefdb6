"""LoRA: trained and frozen weights, merging, and files of adapters."""

import numpy as np
import pytest

from fitrank_tf.config import LoraConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.clip_towers import towers_from_sizes
from fitrank_tf.towers.lora import Adapted, apply_lora, load_adapters
from fitrank_tf.towers.presets import towers_from_preset
from fitrank_tf.towers.vocabulary import learn_vocabulary
from tests.towers.small_towers import SIZES, TITLES, embed, small_towers

# At rank 2, for one projection of attention: Keras factors a kernel [width, 2 heads,
# width / 2] as A [width, 2, rank] and B [rank, width / 2]. The image tower has 2 blocks
# of width 24, the text tower one of width 16.
IMAGE, TEXT = 96 + 24, 64 + 16
# The output's kernel is [2 heads, width / 2, width], the MLP's [width, 4 width] and back.
IMAGE_OUTPUT, TEXT_OUTPUT = 2 * 24 + 2 * 24, 2 * 16 + 2 * 16
IMAGE_MLP, TEXT_MLP = 2 * 2 * (24 + 96), 2 * 2 * (16 + 64)


@pytest.mark.parametrize(
    ("targets", "towers_named", "layers", "trained"),
    [
        (("query",), ("image", "text"), 3, 2 * IMAGE + TEXT),
        (("query", "value"), ("image", "text"), 6, 2 * (2 * IMAGE + TEXT)),
        (("query", "value"), ("image",), 4, 4 * IMAGE),
        (("query",), ("text",), 1, TEXT),
        (("output",), ("image", "text"), 3, 2 * IMAGE_OUTPUT + TEXT_OUTPUT),
        (("mlp",), ("image", "text"), 6, 2 * IMAGE_MLP + TEXT_MLP),
        (("key", "mlp"), ("text",), 3, TEXT + TEXT_MLP),
    ],
)
def test_lora_trains_the_adapters_alone(
    towers, images, targets, towers_named, layers, trained
) -> None:
    before = embed(towers, images)
    config = LoraConfig(rank=2, targets=targets, towers=towers_named)
    adapted = apply_lora(towers.backbone, config)
    assert len(adapted.layers) == layers
    assert {name.split("/")[0] for name in adapted.layers} == set(towers_named)
    names = {
        variable.path.split("/")[-1] for variable in towers.backbone.trainable_variables
    }
    assert names == {"lora_kernel_a", "lora_kernel_b"}
    assert adapted.trainable == trained
    for base, started in zip(before, embed(towers, images)):
        np.testing.assert_allclose(started, base, atol=1e-6)


def _with_random_adapters(towers, seed: int, **fields) -> Adapted:
    adapted = apply_lora(towers.backbone, LoraConfig(**{"rank": 2, **fields}))
    generator = np.random.default_rng(seed)
    for variable in towers.backbone.trainable_variables:
        variable.assign(generator.normal(scale=0.3, size=variable.shape))
    return adapted


@pytest.mark.parametrize("target", ["query", "output", "mlp"])
def test_a_kernel_becomes_itself_and_alpha_over_rank_of_the_adapter(towers, target) -> None:
    adapted = _with_random_adapters(towers, 3, targets=(target,), rank=4, alpha=6.0)
    for layer in adapted.layers.values():
        a, b = np.asarray(layer.lora_kernel_a), np.asarray(layer.lora_kernel_b)
        assert a.shape[-1] == b.shape[0] == 4
        expected = np.asarray(layer._kernel) + 1.5 * (a @ b)
        np.testing.assert_allclose(layer.kernel, expected, atol=1e-5)


def _differ(one, other) -> bool:
    return max(np.abs(a - b).max() for a, b in zip(one, other)) > 1e-3


@pytest.mark.parametrize("targets", [("query", "value"), ("output", "mlp")])
def test_merged_adapters_give_equal_embeddings(towers, images, tmp_path, targets) -> None:
    base = embed(towers, images)
    _with_random_adapters(towers, 5, targets=targets)
    tuned = embed(towers, images)
    towers.save_to_preset(tmp_path / "preset")
    merged = embed(towers_from_preset(str(tmp_path / "preset"), 10), images)
    assert _differ(tuned, base)
    for one, other in zip(tuned, merged):
        np.testing.assert_allclose(other, one, atol=1e-5)


def test_loading_adapters_restores_the_tuned_towers(images, tmp_path) -> None:
    tuned = small_towers()
    _with_random_adapters(tuned, 5, alpha=8.0, targets=("key", "mlp")).save(
        tmp_path / "adapters.npz"
    )
    fresh = small_towers()
    loaded = load_adapters(fresh.backbone, tmp_path / "adapters.npz")
    assert sorted(loaded.layers)[0] == "image/0/key"
    for one, other in zip(embed(tuned, images), embed(fresh, images)):
        np.testing.assert_allclose(other, one, atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["adapters.npz"]


def test_one_base_takes_several_adapters_in_turn(images, tmp_path) -> None:
    tuned = {}
    for name, targets in (("a", ("query", "value")), ("b", ("query", "mlp"))):
        towers = small_towers()
        adapted = _with_random_adapters(towers, len(targets[1]), targets=targets)
        adapted.save(tmp_path / f"{name}.npz")
        tuned[name] = embed(towers, images)
    assert _differ(tuned["a"], tuned["b"])
    base = small_towers()
    for name in ("a", "b", "a"):
        load_adapters(base.backbone, tmp_path / f"{name}.npz")
        for one, other in zip(tuned[name], embed(base, images)):
            np.testing.assert_allclose(other, one, atol=1e-6)


def test_adapters_of_other_towers_are_refused(tmp_path) -> None:
    path = tmp_path / "adapters.npz"
    _with_random_adapters(small_towers(), 0).save(path)
    wider = towers_from_sizes(
        SIZES.__class__(**{**vars(SIZES), "vision_width": 32}),
        learn_vocabulary(TITLES, 600),
        seed=1,
    )
    with pytest.raises(FitRankError, match="image/0/query does not fit"):
        load_adapters(wider.backbone, path)


def test_adapters_of_another_rank_need_a_fresh_base(tmp_path) -> None:
    path = tmp_path / "adapters.npz"
    _with_random_adapters(small_towers(), 0, rank=3).save(path)
    towers = small_towers()
    apply_lora(towers.backbone, LoraConfig(rank=2))
    with pytest.raises(FitRankError, match="rank 2, these are of rank 3"):
        load_adapters(towers.backbone, path)


@pytest.mark.parametrize("content", [b"", b"PK damaged"])
def test_a_file_that_holds_no_adapters_is_named(tmp_path, content) -> None:
    path = tmp_path / "adapters.npz"
    path.write_bytes(content)
    with pytest.raises(FitRankError, match=r"adapters\.npz"):
        load_adapters(small_towers().backbone, path)
