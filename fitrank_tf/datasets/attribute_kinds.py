"""Finds out what the columns of a user's table are: kinds of attributes, and facets."""

import dataclasses
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from fitrank_tf.core.attribute_names import attribute_name
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import split_values
from fitrank_tf.datasets.annotations.label_file import LABEL_FIELDS
from fitrank_tf.datasets.attributes import (
    CATEGORIES,
    CATEGORY,
    KINDS,
    NUMBER,
    TEXT,
    Attribute,
    Declaration,
    number_range,
    parse_number,
    unit_of,
)
from fitrank_tf.datasets.fashion_product_images import DECLARATION as FASHION

# A column's cells: one text each, or the values of a list.
Cells = Sequence[str | Sequence[str]]
# Of the option `--attributes`: all columns that are not named.
ALL_OTHERS = "*"
# A category that decides: see `Declaration.decisive`.
DECISIVE = "decisive"

# Products of a value, so that it can be learned; fewer suffice in small catalogues.
_FREQUENT, _SMALL_SHARE = 5, 0.05
# Share of the given cells that have a frequent value, in a facet.
_COVERED = 0.5
# Of a facet: each costs an output of the facet heads, and words with their misspellings.
_MOST_VALUES = 200
_NUM_RANGES, _MOST_DISTINCT = 5, 6
# Numbers of so many digits are codes, such as those of bars.
_CODE_DIGITS = 8
_LONG_TEXT_WORDS = 4
# Shorter values are said with the attribute's name, and so are mere numbers.
_TELLING_LENGTH = 3


def declare(
    columns: Mapping[str, Cells], kinds: Sequence[tuple[str, str]] = ()
) -> Declaration:
    """The declaration of a table.

    Columns named as in Kaggle's declaration are what they are there. Of the others, a
    column of numbers is a number, one of lists several categories, one of long texts that
    are mostly different a text, all others a category.

    Args:
        columns: {name: cells}, of all columns but id, title and photo.
        kinds: (name, kind) pairs of the user: only these columns are attributes, and the
            others too if `ALL_OTHERS` is among the names. The kind is one of `KINDS`,
            `DECISIVE`, or "" to be found out.

    Raises:
        FitRankError: for an unknown name or kind, or two columns of one name.
    """
    said = {attribute_name(name): kind for name, kind in kinds if name != ALL_OTHERS}
    known = [attribute_name(column) for column in columns]
    _check(said, known)
    chosen = {
        column: cells
        for column, cells in columns.items()
        if not kinds or attribute_name(column) in said or (ALL_OTHERS, "") in kinds
    }
    attributes = [
        _attribute(column, cells, said.get(attribute_name(column), ""))
        for column, cells in chosen.items()
        if attribute_name(column)
    ]
    attributes = _with_names(attributes, list(chosen.values()))
    cells_of = {each.name: cells for each, cells in zip(attributes, chosen.values())}
    names = [each.name for each in attributes]
    fashion = not names or any(name in FASHION.names for name in names)
    own = [
        each.name
        for each in attributes
        if each.name not in FASHION.names and _is_facet(each, cells_of[each.name])
    ]
    facets = [
        name
        for name in FASHION.facets
        # Of fashion and of catalogues without attributes, what photos show is a facet too.
        if name in names or (fashion and name in LABEL_FIELDS)
    ]
    decisive = [name for name, kind in said.items() if kind == DECISIVE]
    if len(decisive) > 1:
        raise FitRankError(
            f"--attributes: {' and '.join(decisive)} are decisive; choose one of them"
        )
    if FASHION.decisive in names:
        decisive.append(FASHION.decisive)
    alone = [name for name in FASHION.alone if name in names]
    return Declaration(
        tuple(attributes),
        tuple(dict.fromkeys([*facets, *own, *decisive[:1]])),
        decisive[0] if decisive else "",
        tuple(dict.fromkeys([*alone, *own, *decisive[:1]])),
    )


def _check(said: Mapping[str, str], known: Sequence[str]) -> None:
    for name, kind in said.items():
        if name not in known:
            raise FitRankError(
                f"--attributes {name}: no such column; choose from {', '.join(known)}"
            )
        if kind and kind not in (*KINDS, DECISIVE):
            raise FitRankError(
                f"--attributes {name}={kind}: unknown kind; choose from "
                f"{', '.join((*KINDS, DECISIVE))}"
            )


def _attribute(column: str, cells: Cells, said: str) -> Attribute:
    name = attribute_name(column)
    kind = CATEGORY if said == DECISIVE else said
    if name in FASHION.names:
        return Attribute(name, kind or FASHION.attribute(name).kind, column)
    attribute = Attribute(name, kind or _kind(cells), column)
    if attribute.kind == NUMBER:
        numbers = [float(cell) for cell in map(attribute.cell, cells) if cell]
        attribute = dataclasses.replace(attribute, ranges=_ranges(numbers))
    return attribute


def _kind(cells: Cells) -> str:
    given = [cell for cell in cells if cell]
    texts = [cell for cell in given if isinstance(cell, str)]
    if any(len(cell) > 1 for cell in given if not isinstance(cell, str)):
        return CATEGORIES
    texts += [cell[0] for cell in given if not isinstance(cell, str)]
    are_numbers = set(texts) - {"0", "1"} and all(map(_is_number, texts))
    units = {unit_of(text) for text in texts}
    if are_numbers and (len(units) == 1 or _are_one_unit(units - {""})):
        return NUMBER
    if any(len(split_values(text)) > 1 for text in texts):
        return CATEGORIES
    words = np.mean([len(text.split()) for text in texts]) if texts else 0
    differ = len(set(texts)) > len(texts) / 2
    return TEXT if differ and words > _LONG_TEXT_WORDS else CATEGORY


def _are_one_unit(marks: Collection[str]) -> bool:
    """Whether it is a unit that some numbers lack: "mm" and "€" are, not the C of 36C."""
    return len(marks) == 1 and all(
        len(mark) > 1 or mark == "%" or unicodedata.category(mark) == "Sc" for mark in marks
    )


def _is_number(text: str) -> bool:
    digits = text.strip()
    is_code = digits.isdigit() and (
        len(digits) >= _CODE_DIGITS or (len(digits) > 1 and digits.startswith("0"))
    )
    return not is_code and parse_number(text) is not None


def _ranges(numbers: Sequence[float]) -> tuple[str, ...]:
    """Ranges that hold about as many products each; single numbers where few differ."""
    distinct = np.unique(numbers)
    if len(distinct) < 2:
        return ()
    if len(distinct) <= _MOST_DISTINCT:
        return tuple(number_range(number, number) for number in distinct)
    inner = np.linspace(0, 1, _NUM_RANGES + 1)[1:-1]
    edges = np.unique(np.quantile(numbers, inner, method="higher"))
    parts = np.split(distinct, np.searchsorted(distinct, edges))
    ends = [(part[0], part[-1]) for part in parts if len(part)]
    # A range begins where the one before ends, so that no number is between them.
    step = 10.0 ** -max(len(f"{one:.10g}".partition(".")[2]) for one in distinct)
    lows = [ends[0][0], *(high + step for _, high in ends[:-1])]
    return tuple(number_range(low, high) for low, (_, high) in zip(lows, ends))


def _is_facet(attribute: Attribute, cells: Cells) -> bool:
    """Whether two values or more are frequent enough to be learned, and not too many."""
    values = [attribute.values(attribute.cell(cell)) for cell in cells]
    given = [of for of in values if of]
    counts = Counter(value for of in given for value in of)
    least = max(2, min(_FREQUENT, round(_SMALL_SHARE * len(cells))))
    frequent = {value for value, count in counts.items() if count >= least}
    covered = sum(1 for of in given if frequent.intersection(of))
    few = len(counts) <= _MOST_VALUES
    return few and len(frequent) > 1 and covered >= _COVERED * len(given)


def _with_names(
    attributes: Sequence[Attribute], columns: Sequence[Cells]
) -> list[Attribute]:
    """Marks attributes whose values say little without the attribute's name.

    Those are short or numbers ("XL", "1"), or another attribute has them too ("yes").
    """
    own = [
        {value.casefold() for cell in cells for value in each.values(each.cell(cell))}
        if each.kind in (CATEGORY, CATEGORIES)
        else set()
        for each, cells in zip(attributes, columns)
    ]
    counts = Counter(value for values in own for value in values)
    return [
        dataclasses.replace(each, named=True)
        if each.name not in FASHION.names
        and any(
            len(value) < _TELLING_LENGTH or value.isdigit() or counts[value] > 1
            for value in values
        )
        else each
        for each, values in zip(attributes, own)
    ]
