"""`--set section.field=value`: parsed by the field's type, or refused in one line."""

import dataclasses
from typing import Any, Optional

import pytest

from fitrank_tf.config import override
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.recipes import load_recipe


@dataclasses.dataclass(frozen=True)
class Inner:
    depth: int = 1
    twice: int = 2

    def __post_init__(self) -> None:
        if self.twice != 2 * self.depth:
            raise FitRankError("twice is wrong")


@dataclasses.dataclass(frozen=True)
class Section:
    inner: Inner = Inner()
    other: Inner = Inner()
    share: float = 0.5


@dataclasses.dataclass(frozen=True)
class Everything:
    section: Section = Section()
    absent: Section | None = None
    whole: int = 1
    real: float = 1.0
    name: str = "x"
    flag: bool = False
    names: tuple[str, ...] = ("x",)
    wholes: tuple[int, ...] = (1,)
    reals: tuple[float, ...] = (1.0,)
    flags: tuple[bool, ...] = ()
    maybe_whole: int | None = 1
    maybe_name: Optional[str] = "x"  # noqa: UP045  the older spelling
    maybe_flag: bool | None = None
    maybe_reals: tuple[float, ...] | None = None
    either: int | str = 1
    any_of: int | str | None = 1
    pair: tuple[int, int] = (1, 2)
    table: dict[str, int] = dataclasses.field(default_factory=dict)


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("whole=3", 3),
        ("whole = 3 ", 3),
        ("whole=-3", -3),
        ("real=3", 3.0),
        ("real=2e-3", 0.002),
        ("name=", ""),
        ("name=a,b=c.d", "a,b=c.d"),
        ("flag=true", True),
        ("flag=False", False),
        ("names=", ()),
        ("names=query", ("query",)),
        ("names=query, key,", ("query", "key")),
        ("wholes=8,4", (8, 4)),
        ("reals=0.5,2,1e-3", (0.5, 2.0, 0.001)),
        ("reals=", ()),
        ("flags=true,false", (True, False)),
        ("maybe_whole=none", None),
        ("maybe_whole=3", 3),
        ("maybe_name=None", None),
        ("maybe_name=y", "y"),
        ("maybe_flag=true", True),
        ("maybe_reals=none", None),
        ("maybe_reals=1,2.5", (1.0, 2.5)),
    ],
)
def test_texts_are_parsed_by_the_type_of_their_field(assignment: str, value: Any) -> None:
    before = Everything(maybe_flag=False, maybe_reals=(7.0,), flag=value is False)
    after = override(before, [assignment])
    field = assignment.partition("=")[0].strip()
    parsed = getattr(after, field)
    assert parsed == value and type(parsed) is type(value)
    if isinstance(value, tuple):
        assert [type(part) for part in parsed] == [type(part) for part in value]
    assert dataclasses.replace(after, **{field: getattr(before, field)}) == before


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("whole", "--set whole: write it as section.field=value"),
        ("whole=many", "--set whole=many: 'many' is not of type int"),
        ("whole=2.5", "'2.5' is not of type int"),
        ("whole=", "'' is not of type int"),
        ("whole=none", "'none' is not of type int"),
        ("real=many", "'many' is not of type float"),
        ("flag=1", "'1' is not of type bool; write true or false"),
        ("flag=", "'' is not of type bool"),
        ("wholes=8,4.5", "'8,4.5' is not of type tuple[int, ...]"),
        ("reals=wide", "'wide' is not of type tuple[float, ...]"),
        ("flags=true,1", "'true,1' is not of type tuple[bool, ...]"),
        ("maybe_whole=x", "'x' is not of type int | None"),
        ("maybe_reals=1,none", "'1,none' is not of type tuple[float, ...] | None"),
        ("either=1", "a field of type int | str cannot be set here"),
        ("any_of=1", "a field of type int | str | None cannot be set here; write a recipe"),
        ("pair=3,4", "a field of type tuple[int, int] cannot be set here"),
        ("table=a", "a field of type dict[str, int] cannot be set here"),
        ("speed=1", "no field 'speed'; known here: ['section', 'absent', 'whole'"),
        ("section.speed=1", "no field 'speed'; known here: ['inner', 'other', 'share']"),
        ("pace.depth=1", "no field 'pace'; known here: ['section', "),
        ("section.pace.depth=1", "no field 'pace'; known here: ['inner', "),
        ("section=1", "section is a section; name its field"),
        ("section.inner=1", "inner is a section; name its field"),
        ("whole.x=1", "whole is a field, it has none in it"),
        ("whole.x.y=1", ": whole is a field, it has none in it"),
        ("section.share.x=1", "section.share is a field, it has none in it"),
        ("section.inner.depth.x=1", "section.inner.depth is a field, it has none in it"),
        ("absent.share=1", "absent is a field, it has none in it"),
        ("absent=1", "a field of type tests.config.test_overrides.Section | None cannot"),
        ("section..share=1", "no field ''"),
        ("=1", "no field ''"),
    ],
)
def test_what_cannot_be_set_is_refused_in_one_line(assignment: str, message: str) -> None:
    with pytest.raises(FitRankError) as caught:
        override(Everything(), [assignment])
    assert str(caught.value).startswith(f"--set {assignment}: ")
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "order", [("section.inner.depth=3", "section.inner.twice=6"), None], ids=["set", "back"]
)
def test_fields_of_nested_sections_are_checked_together(order) -> None:
    assignments = ["section.share=1", "section.inner.twice=6", "section.inner.depth=3"]
    after = override(Everything(), order or assignments).section
    assert (after.inner, after.other) == (Inner(3, 6), Inner())
    with pytest.raises(FitRankError, match="twice is wrong"):
        override(Everything(), ["section.inner.depth=3"])


def test_the_last_of_two_values_counts() -> None:
    assert override(Everything(), ["whole=2", "whole=3"]).whole == 3


def test_override_changes_fields_of_a_recipe() -> None:
    before = load_recipe("tiny", "synthetic_catalogue")
    after = override(before, ["base.epochs=3", "lora.targets=query,key", "seed=7"])
    assert (after.base.epochs, after.lora.targets, after.seed) == (3, ("query", "key"), 7)
    assert after.towers == before.towers
    assert override(before, ["reranker.hidden=8,4"]).reranker.hidden == (8, 4)


def test_fields_that_are_only_right_together_come_in_any_order() -> None:
    sizes = ["towers.image_size=100", "towers.patch_size=25", "towers.vision_width=64"]
    heads = ["towers.vision_heads=4"]
    before = load_recipe("tiny", "synthetic_catalogue")
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
        ("base.epochs=-1", "ContrastiveConfig.epochs is -1; it must be 0 or above"),
        ("towers.preset=", "RunConfig.base.epochs is 0; it must be above 0"),
        ("lora.dropout=1", "LoraConfig.dropout is 1.0; it must be in [0, 1)"),
        ("base.learning_rate=nan", "ContrastiveConfig.learning_rate is nan"),
        ("patterns.hidden=64,0", "HeadConfig.hidden is (64, 0)"),
    ],
)
def test_what_a_section_refuses_is_named(assignment: str, message: str) -> None:
    with pytest.raises(FitRankError) as caught:
        override(load_recipe("tiny", "synthetic_catalogue"), [assignment])
    assert message in str(caught.value)
