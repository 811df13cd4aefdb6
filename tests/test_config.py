"""Configurations refuse what cannot be, by name."""

import pytest

from fitrank_tf.config import DetectorConfig, RunConfig, override
from fitrank_tf.core.errors import FitRankError
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
    sizes = ["towers.image_size=100", "towers.patch_size=25", "towers.vision_width=64"]
    heads = ["towers.vision_heads=4"]
    before = load_recipe("tiny", "synthetic_catalogue")  # 96 pixels, of patch size 16
    after = override(before, sizes + heads).towers
    assert after == override(before, heads + sizes[::-1]).towers
    assert (after.image_size, after.patch_size, after.vision_heads) == (100, 25, 4)


def test_the_sections_of_the_feature_heads_can_be_set() -> None:
    before = load_recipe("features", "synthetic_catalogue")
    sets = ["patterns.hidden=64,32", "colour_names.hidden=", "attributes.times_seen=5"]
    after = override(before, [*sets, "detector.pasted=0.25", "attributes.weak_trust=0"])
    assert (after.patterns.hidden, after.colour_names.hidden) == ((64, 32), ())
    assert (after.attributes.times_seen, after.attributes.weak_trust) == (5, 0.0)
    assert after.detector.pasted == 0.25
    # Colour names and patterns are two sections of one kind: neither is the other.
    assert after.colour_names.epochs == before.colour_names.epochs
    assert after.patterns.epochs == before.patterns.epochs


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("base.epochs", "section.field=value"),
        ("base.epochs=many", "'many' is not of type"),
        ("base.epochs=-1", "epochs is -1; it must be 0 or above"),
        ("towers.preset=", r"RunConfig\.base\.epochs is 0; it must be above 0"),
        ("base.loss=hinge", "one of"),
        ("base.accumulation=0", r"ContrastiveConfig\.accumulation is 0"),
        ("base.accumulation=3", "batch_size is .*a multiple of accumulation"),
        ("base.precision=float16", "one of"),
        ("base.mixup=-0.1", "mixup is -0.1; it must be 0 or above"),
        ("base.teacher_weight=1.5", r"teacher_weight is 1\.5; it must be in \[0, 1\]"),
        ("base.steps_at_once=0", "steps_at_once is 0"),
        ("facet_heads.folds=1", "folds is 1; it must be 2 or more"),
        ("facet_heads.feature_groups=shape", r"FacetHeadsConfig\.feature_groups"),
        ("lora.dropout=1", r"LoraConfig\.dropout is 1\.0"),
        ("lora.fusion=sum", "one of"),
        ("base.batch_size=1", "a pair alone has no negatives"),
        ("base.speed=1", "no field 'speed'"),
        ("base=1", "base is a section"),
        ("seed.x=1", "seed is a field"),
        ("base.epochs.x=1", r"base\.epochs is a field"),
        ("pace.epochs=1", "no field 'pace'"),
        ("towers.image_size=97", "a multiple of patch_size"),
        ("lora.targets=nothing", "one or more of"),
        ("lora.towers=sound", "one or more of"),
        ("reranker.loss=hinge", "one of"),
        ("detector.image_size=100", "multiple of 32"),
        ("detector.pasted=1", r"DetectorConfig\.pasted is 1\.0; it must be in \[0, 1\)"),
        ("detector.pasted=-0.1", r"DetectorConfig\.pasted is -0\.1"),
        ("patterns.hidden=64,0", r"HeadConfig\.hidden is \(64, 0\); .* widths above 0"),
        ("patterns.hidden=wide", "'wide' is not of type"),
        ("patterns.dropout=1", r"HeadConfig\.dropout is 1\.0"),
        ("patterns.batch_size=0", r"HeadConfig\.batch_size is 0"),
        ("patterns.weak_trust=1.5", r"HeadConfig\.weak_trust is 1\.5"),
        ("colour_names.epochs=0", r"HeadConfig\.epochs is 0; it must be above 0"),
        ("colour_names.weight_decay=-1", r"HeadConfig\.weight_decay is -1\.0"),
        ("attributes.epochs=0", r"AttributeConfig\.epochs is 0"),
        ("attributes.batch_size=-1", r"AttributeConfig\.batch_size is -1"),
        ("attributes.learning_rate=0", r"AttributeConfig\.learning_rate is 0\.0"),
        ("attributes.times_seen=0", r"AttributeConfig\.times_seen is 0"),
        ("attributes.weak_trust=1", r"AttributeConfig\.weak_trust is 1\.0"),
    ],
)
def test_bad_values_are_named(assignment: str, message: str) -> None:
    with pytest.raises(FitRankError, match=message):
        override(load_recipe("tiny", "synthetic_catalogue"), [assignment])


def test_configurations_are_frozen() -> None:
    with pytest.raises(AttributeError):
        DetectorConfig().epochs = 1
