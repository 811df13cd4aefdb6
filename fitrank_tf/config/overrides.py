"""Changes of single fields from the command line: `--set base.epochs=3`."""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from fitrank_tf.config.checks import is_union, type_name
from fitrank_tf.core.errors import FitRankError

Config = TypeVar("Config")
_NONE, _NO_TYPE = "none", type(None)
_BOOLS = {"true": True, "false": False}


def override(config: Config, assignments: Sequence[str]) -> Config:
    """Applies `section.field=value` assignments of the command line.

    A bool is "true" or "false", a tuple "a,b" ("" for an empty one), the None of an
    optional field "none"; of fields that are assigned twice the last one counts.

    Args:
        config: a frozen dataclass whose sections are dataclasses, such as a `RunConfig`.
        assignments: texts such as "base.epochs=3" or "seed=7".

    Returns:
        A copy with all changes.

    Raises:
        FitRankError: for an unknown field, a value of another type, a field of a type
            that no text can give, or a value that the section refuses.
    """
    changes: dict[str, Any] = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise FitRankError(f"--set {assignment}: write it as section.field=value")
        *sections, name = path.strip().split(".")
        holder, changed = config, changes
        for depth, section in enumerate(sections, start=1):
            _require_field(holder, section, assignment)
            holder = getattr(holder, section)
            if not dataclasses.is_dataclass(holder):
                field = ".".join(sections[:depth])
                raise FitRankError(
                    f"--set {assignment}: {field} is a field, it has none in it"
                )
            changed = changed.setdefault(section, {})
        changed[name] = _value(holder, name, text.strip(), assignment)
    return _replaced(config, changes)


def _replaced(holder: Any, changes: dict[str, Any]) -> Any:
    # All fields of a section at once: one may only be right together with another.
    values = {
        name: _replaced(getattr(holder, name), value) if isinstance(value, dict) else value
        for name, value in changes.items()
    }
    return dataclasses.replace(holder, **values)


def _require_field(holder: Any, name: str, assignment: str) -> None:
    known = [field.name for field in dataclasses.fields(holder)]
    if name not in known:
        raise FitRankError(f"--set {assignment}: no field {name!r}; known here: {known}")


def _value(holder: Any, name: str, text: str, assignment: str) -> Any:
    _require_field(holder, name, assignment)
    if dataclasses.is_dataclass(getattr(holder, name)):
        raise FitRankError(f"--set {assignment}: {name} is a section; name its field")
    kind = get_type_hints(type(holder))[name]
    try:
        return _parse(text, kind)
    except NotImplementedError as error:
        raise FitRankError(
            f"--set {assignment}: a field of type {type_name(kind)} cannot be set here; "
            "write a recipe"
        ) from error
    except ValueError as error:
        raise FitRankError(
            f"--set {assignment}: {text!r} is not of type {type_name(kind)}{_hint(kind)}"
        ) from error


def _parse(text: str, kind: Any) -> Any:
    """Raises ValueError for a text of another type, NotImplementedError for a type."""
    if kind is bool:
        if text.lower() not in _BOOLS:
            raise ValueError(text)
        return _BOOLS[text.lower()]
    if kind in (int, float, str):
        return kind(text)
    arguments = get_args(kind)
    if is_union(kind) and len(arguments) == 2 and _NO_TYPE in arguments:
        (other,) = (part for part in arguments if part is not _NO_TYPE)
        return None if text.lower() == _NONE else _parse(text, other)
    if get_origin(kind) is tuple and arguments[1:] == (...,):
        parts = (part.strip() for part in text.split(","))
        return tuple(_parse(part, arguments[0]) for part in parts if part)
    raise NotImplementedError(kind)


def _hint(kind: Any) -> str:
    return "; write true or false" if kind is bool else ""
