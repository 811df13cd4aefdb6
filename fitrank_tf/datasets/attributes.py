"""A catalogue's own attributes: what its columns hold, and which a request may name.

A product's value of an attribute is a text, "" for none:

| kind         | the text                             | values of a facet      |
|--------------|--------------------------------------|------------------------|
| `category`   | one value                            | that value             |
| `categories` | several, see `filters.join_values`   | each of them           |
| `number`     | a number with a point, such as "7.5" | the range it is within |
| `text`       | free                                 | none                   |

A facet is an attribute that requests name, judgments grade and the re-ranker weighs.
"""

import dataclasses
import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fitrank_tf.core.attribute_names import input_name
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import Range, join_values, parse_range, split_values

CATEGORY, CATEGORIES, NUMBER, TEXT = "category", "categories", "number", "text"
KINDS: tuple[str, ...] = (CATEGORY, CATEGORIES, NUMBER, TEXT)
# A number with a sign of currency or a unit, such as "59,90 €".
_NUMBER = re.compile(
    r"([^\W\d]{1,4}(?:\s|[^\w\s+\-.,])|[^\W\d]{2,4}\.|[^\w+\-.,]{0,4})\s*"
    r"([+-]?[.,]?\d[\d.,'’\u00a0\u202f ]*+)"
    # No letter behind a point: 1163.jpg is no number.
    r"(?:(?<![.,])|(?![^\W\d]))(\D{0,6})"
)
# Thousands as in 1,299 and 1,29,900, the latter in India.
_THOUSANDS = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3})")
_DECIMAL_COMMA, _DECIMAL_POINT = (
    re.compile(rf"\d{mark}\d{{1,2}}(?!\d|{mark}\d)") for mark in (",", r"\.")
)
_THOUSANDS_POINT, _THREE_DECIMALS = (
    re.compile(rf"(?<=\d){mark}(?=\d{{3}}(?!\d))") for mark in (r"\.", ",")
)


@dataclasses.dataclass(frozen=True)
class Attribute:
    r"""One attribute of a catalogue's products.

    Attributes:
        name: as in filters: lower case, "_" for blanks.
        kind: one of `KINDS`.
        column: the source's column; "" for one of the attribute's name.
        ranges: of a number that is a facet: its ranges, such as "30..45", rising.
        named: whether a request says the attribute's name with the value: "waterproof yes".

    Raises:
        FitRankError: for another kind.
    """

    name: str
    kind: str = CATEGORY
    column: str = ""
    ranges: tuple[str, ...] = ()
    named: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise FitRankError(
                f"attribute '{self.name}': unknown kind '{self.kind}'; choose from "
                f"{', '.join(KINDS)}"
            )

    def cell(self, values: str | Sequence[str]) -> str:
        """The text that an Item holds: see the module.

        Args:
            values: the source's cell, or the values of a list in it.
        """
        if isinstance(values, str):
            values = split_values(values) if self.kind == CATEGORIES else [values]
        values = [value.strip() for value in values if value.strip()]
        if self.kind == CATEGORIES:
            return join_values(tuple(dict.fromkeys(values)))
        if self.kind == NUMBER:
            number = parse_number(values[0]) if values else None
            return "" if number is None else f"{number:.10g}"
        return ", ".join(values)

    def values(self, cell: str) -> tuple[str, ...]:
        """The values by which a request may name a product.

        Args:
            cell: the text of an Item.
        """
        if not cell or self.kind == TEXT:
            return ()
        if self.kind == CATEGORIES:
            return split_values(cell)
        if self.kind == NUMBER:
            return self._range_of(float(cell))
        return (cell,)

    def _range_of(self, number: float) -> tuple[str, ...]:
        """The range that a number is within, or the nearest."""

        def distance(text: str) -> float:
            within = self._parsed[text]
            return max(within.low - number, number - within.high, 0.0)

        return (min(self.ranges, key=distance),) if self.ranges else ()

    @functools.cached_property
    def _parsed(self) -> Mapping[str, Range]:
        return {text: parse_range(text) for text in self.ranges}


@dataclasses.dataclass(frozen=True)
class Declaration:
    """What a catalogue says of its attributes.

    Attributes:
        attributes: in the order of an Item's.
        facets: names of the attributes that a request may name, in the order in which
            requests are drawn. Those that are no attribute are known from photos alone.
        decisive: the facet without which a product never fits, such as the article type: a
            red shoe is no answer to "red shirt"; "" for none.
        alone: facets of which a request of the evaluation may name one alone.

    Raises:
        FitRankError: if two attributes have one name, or one input of served models.
    """

    attributes: tuple[Attribute, ...] = ()
    facets: tuple[str, ...] = ()
    decisive: str = ""
    alone: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        inputs = [input_name(name) for name in self.names]
        for name, of_name in zip(self.names, inputs):
            if inputs.count(of_name) > 1:
                raise FitRankError(
                    f"two columns are the attribute '{name}': rename one with "
                    "--columns, or leave one out with --attributes"
                )

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The attributes' names."""
        return tuple(attribute.name for attribute in self.attributes)

    @property
    def filters(self) -> tuple[Attribute, ...]:
        """The attributes that products can be filtered by: all but free texts."""
        return tuple(each for each in self.attributes if each.kind != TEXT)

    def attribute(self, name: str) -> Attribute:
        """An attribute by name; a category for a facet that is known from photos alone."""
        return self._by_name.get(name) or Attribute(name)

    @functools.cached_property
    def _by_name(self) -> Mapping[str, Attribute]:
        return {attribute.name: attribute for attribute in self.attributes}

    def cells(self, values: Mapping[str, str | Sequence[str]]) -> dict[str, str]:
        """{attribute: text of an Item}, for all attributes; "" for those not given.

        Raises:
            KeyError: for a name that is not declared.
        """
        unknown = set(values) - set(self.names)
        if unknown:
            raise KeyError(f"not an attribute: {sorted(unknown)}; known: {self.names}")
        return {each.name: each.cell(values.get(each.name, "")) for each in self.attributes}

    def to_plain(self) -> dict[str, Any]:
        """The declaration as plain values, as in `attributes.json` and `bundle.json`."""
        attributes = {each.name: _plain_attribute(each) for each in self.attributes}
        return {
            "attributes": attributes,
            "facets": self.facets,
            "decisive": self.decisive,
            "alone": self.alone,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Declaration":
        """Reads what `to_plain` gave.

        Raises:
            FitRankError: if it is something else.
        """
        try:
            attributes = tuple(
                Attribute(name, **{**of, "ranges": tuple(of.get("ranges", ()))})
                for name, of in plain["attributes"].items()
            )
            return cls(
                attributes,
                tuple(plain["facets"]),
                plain["decisive"],
                tuple(plain["alone"]),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise FitRankError(
                f"a declaration of attributes cannot be read ({error!r}); write it as in "
                "docs/catalogues.md"
            ) from error


def _plain_attribute(attribute: Attribute) -> dict[str, Any]:
    plain = dataclasses.asdict(attribute)
    del plain["name"]
    return {name: value for name, value in plain.items() if value or name == "kind"}


@functools.cache
def read_declaration(path: Path) -> Declaration:
    """The declaration in a JSON file.

    Raises:
        FitRankError: if it is none.
    """
    return Declaration.from_plain(json.loads(path.read_text(encoding="utf-8")))


def parse_number(text: str) -> float | None:
    """The number in a text such as "45", "1.299,90 €" or "$ 12.50"; None if it is none.

    A comma is a decimal comma unless three digits follow it and a point, another comma, or
    nothing follows those.
    """
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        return None
    digits = re.sub(r"[^\d.,+-]", "", found[2]).rstrip(".,")
    point, comma = digits.rfind("."), digits.rfind(",")
    if point >= 0 and comma >= 0:
        thousands = "," if point > comma else "."
    elif _THOUSANDS.fullmatch(digits):
        thousands = ","
    else:
        thousands = "." if digits.count(".") > 1 else ""
    digits = digits.replace(thousands, "") if thousands else digits
    try:
        return float(digits.replace(",", "."))
    except ValueError:
        return None


def unit_of(text: str) -> str:
    """What stands beside the number of a text: "€" of "59,90 €"; "" if nothing does."""
    found = _NUMBER.fullmatch(text.strip())
    return f"{found[1]}{found[3]}".strip(" .,-–—/") if found else ""


def with_decimal_points(texts: Iterable[str]) -> list[str]:
    """The texts, with the marks of `parse_number` where the column's comma is decimal.

    "1.299" alone is 1.299 and "1,250" is 1250; beside "59,90" they are 1299 and 1.25.

    Args:
        texts: the values of a column.
    """
    texts = list(texts)
    numbers = [text for text in texts if parse_number(text) is not None]
    is_comma = any(map(_DECIMAL_COMMA.search, numbers)) and len(numbers) == len(texts)
    if not is_comma or any(map(_DECIMAL_POINT.search, numbers)):
        return texts
    whole = (_THOUSANDS_POINT.sub("", text) for text in texts)
    return [_THREE_DECIMALS.sub(".", text) for text in whole]


def number_range(low: float, high: float) -> str:
    """The text of a range of numbers, both ends included; one number if they are equal."""
    return f"{low:.10g}" if low == high else f"{low:.10g}..{high:.10g}"
