"""What the sections require of their fields, and how they say so."""

import math
import numbers
import operator
import types
from collections.abc import Sequence
from typing import Any, Union, get_args, get_origin, get_type_hints

from fitrank_tf.core.errors import FitRankError

_NUMBERS = {int: numbers.Integral, float: numbers.Real}


def require(config: Any, field: str, holds: bool, rule: str) -> None:
    """Refuses the value of a field.

    Args:
        config: the section.
        field: name in it; "section.field" in a section of it.
        holds: whether the value obeys the rule.
        rule: what follows "it must be".

    Raises:
        FitRankError: unless it holds.
    """
    if not holds:
        value = operator.attrgetter(field)(config)
        name = f"{type(config).__name__}.{field}"
        raise FitRankError(f"config: {name} is {value!r}; it must be {rule}")


def require_types(config: Any) -> None:
    """Refuses a field whose value is not of its annotated type.

    A whole number will do for a float, NumPy's numbers for Python's; True is no number.
    """
    for field, kind in get_type_hints(type(config)).items():
        holds = _is_of_type(getattr(config, field), kind)
        require(config, field, holds, f"of type {type_name(kind)}")


def _is_of_type(value: Any, kind: Any) -> bool:
    if is_union(kind):
        return any(_is_of_type(value, part) for part in get_args(kind))
    if get_origin(kind) is tuple:
        element, _ = get_args(kind)
        return isinstance(value, tuple) and all(_is_of_type(v, element) for v in value)
    if kind in _NUMBERS:
        return isinstance(value, _NUMBERS[kind]) and not isinstance(value, bool)
    return isinstance(value, kind)


def is_union(kind: Any) -> bool:
    """Whether a type is written `A | B`, `Optional[A]` or `Union[A, B]`."""
    return get_origin(kind) in (Union, types.UnionType)


def type_name(kind: Any) -> str:
    """A type as its annotation is written: "int", "tuple[int, ...]", "float | None"."""
    return kind.__name__ if type(kind) is type else str(kind)


def require_positive(config: Any, *fields: str) -> None:
    """Refuses 0, negative and infinite numbers, and NaN."""
    for field in fields:
        require(config, field, 0 < getattr(config, field) < math.inf, "above 0")


def require_widths(config: Any, field: str) -> None:
    """Refuses a tuple of widths of which one is not above 0."""
    holds = all(width > 0 for width in getattr(config, field))
    require(config, field, holds, "widths above 0")


def require_not_negative(config: Any, *fields: str) -> None:
    """Refuses negative and infinite numbers, and NaN."""
    for field in fields:
        require(config, field, 0 <= getattr(config, field) < math.inf, "0 or above")


def require_share(config: Any, *fields: str) -> None:
    """Refuses numbers outside of [0, 1)."""
    for field in fields:
        require(config, field, 0 <= getattr(config, field) < 1, "in [0, 1)")


def require_one_of(config: Any, field: str, known: Sequence[str]) -> None:
    """Refuses a name that is not known."""
    require(config, field, getattr(config, field) in known, f"one of {known}")


def require_some_of(config: Any, field: str, known: Sequence[str]) -> None:
    """Refuses an empty tuple, and one that holds a name that is not known."""
    chosen = getattr(config, field)
    holds = bool(chosen) and set(chosen) <= set(known)
    require(config, field, holds, f"one or more of {known}")


def require_seed(config: Any, field: str) -> None:
    """Refuses seeds outside of [0, 2**31).

    NumPy's end at 2**32, and stages add small numbers, or another seed, to the run's.
    """
    holds = 0 <= getattr(config, field) < 2**31
    require(config, field, holds, "in [0, 2**31)")
