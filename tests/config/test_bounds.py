"""Every field of every section refuses what cannot be, by name."""

import dataclasses
from typing import Any

import pytest

from fitrank_tf import config
from fitrank_tf.config import ContrastiveConfig, RunConfig, TowersConfig
from fitrank_tf.core.errors import FitRankError
from tests.config.field_rules import FREE, RULES

SECTIONS = [value for value in vars(config).values() if dataclasses.is_dataclass(value)]
FIELDS = [(section, field) for section in SECTIONS for field in dataclasses.fields(section)]


def new_section(section: type, **values: Any) -> Any:
    """A section of defaults but for these values."""
    return section(**({"recipe": "x"} if section is RunConfig else {}) | values)


def cases(side: str) -> list:
    """(section, field, rule, value) of all values on one side of a rule."""
    return [
        pytest.param(section, field, rule, value, id=f"{section.__name__}.{field}={value}")
        for section, rules in RULES.items()
        for field, rule in rules.items()
        for value in getattr(rule, side)
    ]


@pytest.mark.parametrize(("section", "field", "rule", "value"), cases("refused"))
def test_values_beyond_a_bound_are_refused(section, field, rule, value) -> None:
    with pytest.raises(FitRankError) as caught:
        new_section(section, **{field: value})
    message = str(caught.value)
    start = f"config: {section.__name__}.{field} is {value!r}; it must be "
    assert message.startswith(start) and rule.says in message[len(start) :]
    assert "\n" not in message


@pytest.mark.parametrize(("section", "field", "rule", "value"), cases("taken"))
def test_values_at_a_bound_are_taken(section, field, rule, value) -> None:
    assert getattr(new_section(section, **{field: value}), field) == value


def test_every_field_has_a_rule() -> None:
    ruled = {(section, field) for section, rules in RULES.items() for field in rules}
    plain = {
        (section, field.name)
        for section, field in FIELDS
        if not isinstance(getattr(new_section(section), field.name), tuple(SECTIONS))
    }
    assert plain == ruled | FREE


@pytest.mark.parametrize(
    ("section", "field"),
    [pytest.param(s, f, id=f"{s.__name__}.{f.name}") for s, f in FIELDS],
)
def test_values_of_another_type_are_refused(section, field) -> None:
    start = f"config: {section.__name__}.{field.name} is .*; it must be of type "
    for value in (None, True, ["query"], object):
        with pytest.raises(FitRankError, match=start):
            new_section(section, **{field.name: value})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"batch_size": 256, "accumulation": 3}, r"a multiple of accumulation \(3\)"),
        ({"mixup": 0.3, "accumulation": 2}, r"parts \(accumulation=2\)"),
    ],
)
def test_fields_that_are_wrong_together(values, message) -> None:
    with pytest.raises(FitRankError, match=message):
        ContrastiveConfig(**values)


def test_towers_without_a_preset_have_to_be_trained() -> None:
    untrained = ContrastiveConfig(epochs=0)
    assert RunConfig("x", towers=TowersConfig(preset="p"), base=untrained).base.epochs == 0
    message = r"config: RunConfig\.base\.epochs is 0; it must be above 0 for towers without"
    with pytest.raises(FitRankError, match=message):
        RunConfig("x", base=untrained)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_sections_are_frozen(section) -> None:
    first = dataclasses.fields(section)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(new_section(section), first, 1)
