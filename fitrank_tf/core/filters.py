r"""Filters of a search, such as `gender=Women`, `colour=Red|Maroon` and `price<50`.

A filter is an attribute's name and a text, the same on the command line, in Python and in
the inputs of a served model:

| text                       | admits the products whose                            |
|----------------------------|------------------------------------------------------|
| `Women`                    | value is this                                        |
| `Red|Maroon`               | value is one of these                                |
| `S\|M`                     | value is `S|M`; a backslash before `|` or `\` quotes |
| `30..45`, `30..`, `..45`   | number is within, ends included                      |
| `<50`, `<=50`, `>7`, `>=7` | number is below or above                             |
| `>=30 <50`                 | number is both                                       |
| `7|8|10..12`               | number is 7 or 8 or from 10 to 12                    |

Case and blanks around a value do not matter. "" admits all products.
"""

import dataclasses
import math
import re
from collections.abc import Collection, Mapping, Sequence

from fitrank_tf.core.attribute_names import known_name
from fitrank_tf.core.errors import FitRankError

NUMBER_PATTERN = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"

_QUOTED = re.compile(r"\\([\\|])|(\|)")
_OPERATOR = re.compile(r"(<=|>=|<|>)\s*")
_BETWEEN = re.compile(rf"({NUMBER_PATTERN})?\s*\.\.\s*({NUMBER_PATTERN})?")
_COMPARED = re.compile(rf"(<=|>=|<|>)({NUMBER_PATTERN})")
_PAIR = re.compile(r"([^=<>]*)(=|(?=[<>]))(.*)", re.DOTALL)
_RANGE_HELP = "write a number as 7.5, a range as 30..45, <50 or >=7"


@dataclasses.dataclass(frozen=True)
class Values:
    """Admits products that have one of some values.

    Attributes:
        values: one or more, none of them blank.

    Raises:
        FitRankError: without a value, or for a blank one.
    """

    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.values or not all(value.strip() for value in self.values):
            raise FitRankError(
                f"filter {list(self.values)}: give values that are not empty"
            )

    def __str__(self) -> str:
        return join_values(self.values)


@dataclasses.dataclass(frozen=True)
class Range:
    """Admits products whose number is within bounds, both included.

    Attributes:
        low: the least number; minus infinity for none.
        high: the greatest number; infinity for none.

    Raises:
        FitRankError: if a bound is NaN, or `low` is above `high`.
    """

    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise FitRankError(
                f"filter from {self.low:g} to {self.high:g}: write the lower number first"
            )

    def __contains__(self, number: float) -> bool:
        return self.low <= number <= self.high

    def __str__(self) -> str:
        ends = (
            repr(float(end)) if math.isfinite(end) else "" for end in (self.low, self.high)
        )
        return "..".join(ends)


@dataclasses.dataclass(frozen=True)
class Ranges:
    """Admits products whose number is within one of some ranges.

    Attributes:
        ranges: one or more.
    """

    ranges: tuple[Range, ...]

    def __str__(self) -> str:
        return "|".join(map(str, self.ranges))


# As a caller gives a filter: a text as in the module, values as they are, or typed.
FilterValue = str | Sequence[str] | Values | Range | Ranges


def filter_text(value: FilterValue) -> str:
    r"""Returns a filter as text.

    Args:
        value: a text, which is returned as it is; a list of values, in which `|` and `\`
            have no meaning; or a typed filter.

    Raises:
        FitRankError: if a list has no value or an empty one.
    """
    if isinstance(value, str | Range | Ranges | Values):
        return str(value)
    return str(Values(tuple(value)))


def split_values(text: str) -> tuple[str, ...]:
    r"""The values of a text, without the empty ones: "a|b\|c" has "a" and "b|c"."""
    values, value, end = [], "", 0
    for mark in _QUOTED.finditer(text):
        value += text[end : mark.start()] + (mark[1] or "")
        end = mark.end()
        if mark[2]:
            values.append(value)
            value = ""
    return tuple(filter(None, map(str.strip, [*values, value + text[end:]])))


def join_values(values: Sequence[str]) -> str:
    r"""The text that `split_values` gives back as these values."""
    return "|".join(re.sub(r"([\\|])", r"\\\1", value) for value in values)


def parse_values(text: str) -> Values:
    """A filter of a category.

    Raises:
        FitRankError: if there is no value in the text.
    """
    return Values(split_values(text))


def parse_ranges(text: str) -> Ranges:
    """A filter of a number.

    Raises:
        FitRankError: if the text has no number, or something else.
    """
    ranges = tuple(map(parse_range, split_values(text)))
    if not ranges:
        raise FitRankError(f"filter '{text}': {_RANGE_HELP}")
    return Ranges(ranges)


def parse_range(text: str) -> Range:
    """One number or one range of numbers, such as "7", "30..45" or ">=30 <50".

    Raises:
        FitRankError: if the text is something else.
    """
    if between := _BETWEEN.fullmatch(text):
        low, high = between.groups()
        if low or high:
            return Range(float(low or -math.inf), float(high or math.inf))
    if re.fullmatch(NUMBER_PATTERN, text):
        return Range(float(text), float(text))
    low, high = -math.inf, math.inf
    for part in _OPERATOR.sub(r"\1", text).split():
        compared = _COMPARED.fullmatch(part)
        if not compared:
            raise FitRankError(f"filter '{text}': {_RANGE_HELP}")
        operator, number = compared[1], float(compared[2])
        if operator.startswith(">"):
            low = max(low, number if operator == ">=" else math.nextafter(number, math.inf))
        else:
            high = min(
                high, number if operator == "<=" else math.nextafter(number, -math.inf)
            )
    return Range(low, high)


def parse_filters(pairs: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """Parses filters as typed on a command line.

    Args:
        pairs: texts `attribute=text` or, for numbers, `attribute<50` and the like; two such
            bounds of one attribute hold together.
        known: the attributes that can be filtered by.

    Returns:
        {attribute: text}, as the module says.

    Raises:
        FitRankError: for a pair without "=" or value, an unknown attribute, or an attribute
            that is given twice.
    """
    filters: dict[str, str] = {}
    for pair in pairs:
        parts = _PAIR.fullmatch(pair)
        name, text = (parts[1].strip(), parts[3]) if parts else ("", "")
        if not name or not split_values(text):
            raise FitRankError(f"filter '{pair}': write it as attribute=value")
        name = known_name(name, known)
        check_filters({name: text}, known)
        if name not in filters:
            filters[name] = text
        elif _is_bound(text) and _is_bound(filters[name]):
            filters[name] += f" {text}"
        else:
            raise FitRankError(
                f"filter '{pair}': {name} is filtered already; write alternatives as "
                f"{name}={filters[name]}|{text}"
            )
    return filters


def _is_bound(text: str) -> bool:
    return text.startswith(("<", ">")) and len(split_values(text)) == 1


def check_filters(
    filters: Mapping[str, FilterValue],
    known: Collection[str],
    numbers: Collection[str] | None = None,
) -> None:
    """Checks that all filters are of known attributes, and fit what these hold.

    Args:
        filters: {attribute: filter}.
        known: the attributes that can be filtered by.
        numbers: those that are numbers; None where that is not known.

    Raises:
        FitRankError: for an unknown attribute, a range of another attribute than a number,
            or a text of a number that is no range.
    """
    for name, value in filters.items():
        text = filter_text(value)
        filtered = f"filter '{name}{'' if text.startswith(('<', '>')) else '='}{text}'"
        if name not in known:
            raise FitRankError(
                f"{filtered}: unknown attribute; choose from {', '.join(sorted(known))}"
                if known
                else f"{filtered}: this catalogue has no attributes"
            )
        if numbers is None:
            continue
        if name not in numbers and isinstance(value, Range | Ranges):
            raise FitRankError(f"{filtered}: {name} holds no numbers")
        if name in numbers and split_values(text):
            parse_ranges(text)
