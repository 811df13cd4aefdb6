"""Types of fields, as annotated."""

import dataclasses
from typing import Any, Optional

import numpy as np
import pytest

from fitrank_tf.config.checks import require_types, type_name
from fitrank_tf.core.errors import FitRankError


@dataclasses.dataclass(frozen=True)
class Holder:
    whole: int = 1
    real: float = 1.0
    flag: bool = False
    name: str = ""
    shares: tuple[float, ...] = ()
    perhaps: int | None = None
    perhaps_more: Optional[tuple[int, ...]] = None  # noqa: UP045  the older spelling

    def __post_init__(self) -> None:
        require_types(self)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("whole", np.int64(3)),
        ("real", 3),
        ("real", np.float32(0.5)),
        ("flag", True),
        ("shares", (1, 0.5, np.float64(2.0))),
        ("perhaps", None),
        ("perhaps", 3),
        ("perhaps_more", None),
        ("perhaps_more", (1, 2)),
    ],
)
def test_values_of_the_type_are_taken(field: str, value: Any) -> None:
    assert getattr(Holder(**{field: value}), field) is value


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("whole", "3", "int"),
        ("whole", 3.0, "int"),
        ("whole", True, "int"),
        ("real", False, "float"),
        ("real", "0.5", "float"),
        ("flag", 1, "bool"),
        ("name", None, "str"),
        ("shares", [0.5], "tuple[float, ...]"),
        ("shares", (0.5, "x"), "tuple[float, ...]"),
        ("shares", (True,), "tuple[float, ...]"),
        ("perhaps", 0.5, "int | None"),
        ("perhaps_more", (None,), "Optional[tuple[int, ...]]"),
    ],
)
def test_values_of_another_type_are_refused(field: str, value: Any, kind: str) -> None:
    with pytest.raises(FitRankError) as caught:
        Holder(**{field: value})
    message = str(caught.value)
    assert message.startswith(f"config: Holder.{field} is {value!r}; it must be of type ")
    assert message.endswith(kind)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(int, "int"), (tuple[int, ...], "tuple[int, ...]"), (float | None, "float | None")],
)
def test_types_are_named_as_they_are_written(kind: Any, name: str) -> None:
    assert type_name(kind) == name
