"""How many products each value of a filter would leave, given the other filters."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import parse_ranges, split_values
from fitrank_tf.datasets.attributes import CATEGORIES, NUMBER, Attribute

_MOST_BINS = 24


@dataclasses.dataclass(frozen=True)
class NumberCounts:
    """The numbers of an attribute.

    Attributes:
        low: the least in the catalogue.
        high: the greatest.
        bins: counts in equal steps from `low` to `high`; one, of all, if they are equal.
    """

    low: float
    high: float
    bins: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class FilterCounts:
    """Counts under some filters. Those of an attribute leave its own filter out.

    Attributes:
        admitted: how many products pass all filters.
        values: {attribute that is no number: {value: count}}, the most frequent value of
            the catalogue first, with the counts that are 0.
        numbers: {attribute that is a number: its counts}.
    """

    admitted: int
    values: Mapping[str, Mapping[str, int]]
    numbers: Mapping[str, NumberCounts]


class ValueColumn:
    """A category, or several a product.

    Args:
        cells: N lists of values.
    """

    def __init__(self, cells: Sequence[Sequence[str]]):
        spellings: dict[str, Counter[str]] = {}
        for value in (value for cell in cells for value in cell):
            spellings.setdefault(_normalised(value), Counter())[value] += 1
        by_count = sorted(spellings, key=lambda key: -spellings[key].total())
        # Shown in the spelling that most products have.
        self.shown = tuple(spellings[key].most_common(1)[0][0] for key in by_count)
        self._codes = {key: code for code, key in enumerate(by_count)}
        pairs = {
            (row, self._codes[_normalised(value)])
            for row, cell in enumerate(cells)
            for value in cell
        }
        rows, codes = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
        self._rows, self._values, self._size = rows, codes, len(cells)

    def admitted(self, text: str) -> np.ndarray:
        """bool [N], which products have one of the text's values."""
        wanted = [self._codes.get(_normalised(value), -1) for value in split_values(text)]
        admitted = np.zeros(self._size, bool)
        admitted[self._rows[np.isin(self._values, wanted)]] = True
        return admitted

    def counts(self, among: np.ndarray) -> dict[str, int]:
        """{value: how many of the products `among`, bool [N], have it}."""
        counted = self._values[among[self._rows]]
        return dict(
            zip(self.shown, np.bincount(counted, minlength=len(self.shown)).tolist())
        )


class NumberColumn:
    """A number.

    Args:
        cells: N texts, "" where there is none.
    """

    def __init__(self, cells: Sequence[str]):
        self._numbers = np.array([float(cell or "nan") for cell in cells])
        known = self._numbers[np.isfinite(self._numbers)]
        self.low = float(known.min()) if len(known) else 0.0
        self.high = float(known.max()) if len(known) else 0.0
        steps = np.unique(known).size
        whole = bool(np.all(known == np.round(known)))
        # A bin for each whole number where there are few, so that none is empty by chance.
        span = int(self.high - self.low) + 1 if whole else _MOST_BINS
        self._bins = min(span, _MOST_BINS) if steps > 1 else 1

    def admitted(self, text: str) -> np.ndarray:
        """bool [N], which products' numbers are within one of the text's ranges."""
        ranges = parse_ranges(text).ranges
        within = [
            (each.low <= self._numbers) & (self._numbers <= each.high) for each in ranges
        ]
        return np.any(within, axis=0)

    def counts(self, among: np.ndarray) -> NumberCounts:
        """Of the products `among`, bool [N]."""
        numbers = self._numbers[among & np.isfinite(self._numbers)]
        bins, _ = np.histogram(numbers, self._bins, (self.low, self.high))
        return NumberCounts(self.low, self.high, tuple(bins.tolist()))


class CatalogueFilter:
    """The filters of a catalogue of N products; they admit what a served search admits.

    Args:
        attributes: {attribute: N texts}, for each of `declared`.
        declared: the attributes that products can be filtered by.
        size: N.
    """

    def __init__(
        self,
        attributes: Mapping[str, Sequence[str]],
        declared: Sequence[Attribute],
        size: int,
    ):
        self._columns = {one.name: _column(one, attributes[one.name]) for one in declared}
        self._size = size

    def admitted(self, filters: Mapping[str, str]) -> np.ndarray:
        """bool [N], which products pass all filters.

        Args:
            filters: {attribute: text as in `core.filters`}.

        Raises:
            FitRankError: for an unknown attribute, or a text that is no range of a number.
        """
        admitted = np.ones(self._size, bool)
        for one in self._each(filters).values():
            admitted &= one
        return admitted

    def counts(self, filters: Mapping[str, str]) -> FilterCounts:
        """Counts under filters; arguments and errors as of `admitted`."""
        each = self._each(filters)
        passed = sum((one.astype(np.int32) for one in each.values()), np.int32(0))
        values: dict[str, Mapping[str, int]] = {}
        numbers: dict[str, NumberCounts] = {}
        for name, column in self._columns.items():
            others = passed - each[name] if name in each else passed
            among = np.broadcast_to(others == len(each) - (name in each), [self._size])
            if isinstance(column, NumberColumn):
                numbers[name] = column.counts(among)
            else:
                values[name] = column.counts(among)
        everywhere = np.broadcast_to(passed == len(each), [self._size])
        return FilterCounts(int(np.count_nonzero(everywhere)), values, numbers)

    def _each(self, filters: Mapping[str, str]) -> dict[str, np.ndarray]:
        """{attribute: bool [N]}, of the filters that restrict something."""
        unknown = sorted(set(filters) - set(self._columns))
        if unknown:
            raise FitRankError(
                f"filter '{unknown[0]}': unknown attribute; choose from "
                f"{', '.join(self._columns) or 'none: this catalogue has no attributes'}"
            )
        return {
            name: self._columns[name].admitted(text)
            for name, text in filters.items()
            if split_values(text)
        }


def _column(attribute: Attribute, cells: Sequence[str]) -> ValueColumn | NumberColumn:
    if attribute.kind == NUMBER:
        return NumberColumn(cells)
    if attribute.kind == CATEGORIES:
        return ValueColumn([split_values(cell) for cell in cells])
    return ValueColumn([[cell] if cell.strip() else [] for cell in cells])


def _normalised(value: str) -> str:
    """As `export.graphs.attribute_filter` compares values."""
    return " ".join(value.lower().split())
