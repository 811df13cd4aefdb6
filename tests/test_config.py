"""Configurations refuse what cannot be, by name."""

import pytest

from fitrank_tf.config import DetectorConfig, RunConfig, override
from fitrank_tf.errors import FitRankError
from fitrank_tf.recipes import load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
@pytest.mark.parametrize("dataset", ["synthetic_catalogue", "fashion_product_images"])
def test_every_recipe_is_a_configuration(name: str, dataset: str) -> None:
    config = load_recipe(name, dataset)
    assert isinstance(config, RunConfig)
    assert config.recipe == name
    assert config.to_json()["towers"]["image_size"] == config.towers.image_size


def test_unknown_recipe_names_the_known() -> None:
    with pytest.raises(FitRankError, match=r"--recipe huge: unknown; choose one of .*tiny"):
        load_recipe("huge", "synthetic_catalogue")


def test_override_changes_one_field() -> None:
    before = load_recipe("tiny", "synthetic_catalogue")
    after = override(before, ["base.epochs=3", "lora.targets=query,key", "seed=7"])
    assert (after.base.epochs, after.lora.targets, after.seed) == (3, ("query", "key"), 7)
    assert after.towers == before.towers
    assert override(before, ["reranker.hidden=8,4"]).reranker.hidden == (8, 4)


def test_fields_that_are_only_right_together_come_in_any_order() -> None:
    sizes = ["towers.image_size=64", "towers.patch_size=16", "towers.vision_width=64"]
    heads = ["towers.vision_heads=4"]
    before = load_recipe("tiny", "synthetic_catalogue")  # of patch size 24
    after = override(before, sizes + heads).towers
    assert after == override(before, heads + sizes[::-1]).towers
    assert (after.image_size, after.patch_size, after.vision_heads) == (64, 16, 4)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("base.epochs", "section.field=value"),
        ("base.epochs=many", "'many' is not of type"),
        ("base.epochs=0", "epochs is 0; it must be above 0"),
        ("base.batch_size=1", "a pair alone has no negatives"),
        ("base.speed=1", "no field 'speed'"),
        ("base=1", "base is a section"),
        ("seed.x=1", "seed is a field"),
        ("base.epochs.x=1", r"base\.epochs is a field"),
        ("pace.epochs=1", "no field 'pace'"),
        ("towers.image_size=97", "a multiple of patch_size"),
        ("lora.targets=nothing", "one or more of"),
        ("reranker.loss=hinge", "one of"),
        ("detector.image_size=100", "multiple of 32"),
    ],
)
def test_bad_values_are_named(assignment: str, message: str) -> None:
    with pytest.raises(FitRankError, match=message):
        override(load_recipe("tiny", "synthetic_catalogue"), [assignment])


def test_configurations_are_frozen() -> None:
    with pytest.raises(AttributeError):
        DetectorConfig().epochs = 1
