"""A click log as counts of each query, product and position."""

import dataclasses

import numpy as np
import pyarrow as pa

# How a row came to its position.
RANKED, RANDOMISED, SWAPPED = range(3)

_KEYS = ("query", "product", "position", "intervention")
_SUMS = ("impressions", "clicks")
# Rows that are added before equal keys are summed.
_MOST_PENDING = 4_000_000


@dataclasses.dataclass(frozen=True)
class ClickCounts:
    """Impressions and clicks of N different (query, product, position, intervention).

    Attributes:
        queries: texts, as they were first typed.
        products: ids.
        query: int32 [N], index in `queries`.
        product: int32 [N], index in `products`.
        position: int32 [N], 1 for the top.
        intervention: int8 [N], `RANKED` where the shop's ranking chose the position,
            `RANDOMISED` where a draw of all positions did, `SWAPPED` in an exchange of two.
        impressions: int64 [N], how often the product was shown there.
        clicks: int64 [N], at most `impressions`.
    """

    queries: tuple[str, ...]
    products: tuple[str, ...]
    query: np.ndarray
    product: np.ndarray
    position: np.ndarray
    intervention: np.ndarray
    impressions: np.ndarray
    clicks: np.ndarray

    def __len__(self) -> int:
        return len(self.query)

    @property
    def num_positions(self) -> int:
        """The lowest position."""
        return int(self.position.max(initial=0))

    def select(self, rows: np.ndarray) -> "ClickCounts":
        """Some of the rows, by index or mask [N]."""
        columns = {name: getattr(self, name)[rows] for name in (*_KEYS, *_SUMS)}
        return dataclasses.replace(self, **columns)

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """The different (query, product).

        Returns:
            int64 [P, 2], query and product of each in rising order, and int64 [N], the pair
            of each row.
        """
        width = len(self.products)
        keys, of_rows = np.unique(
            self.query.astype(np.int64) * width + self.product, return_inverse=True
        )
        return np.stack([keys // width, keys % width], axis=1), of_rows

    def by_position(self) -> tuple[np.ndarray, np.ndarray]:
        """(impressions, clicks) of positions 1 to K, float64 [K]."""
        bins, length = self.position - 1, self.num_positions
        impressions, clicks = (
            np.bincount(bins, values, length) for values in (self.impressions, self.clicks)
        )
        return impressions, clicks


class CountSum:
    """Sums rows of a log by their keys; memory grows with the number of different keys."""

    def __init__(self) -> None:
        self._tables: list[pa.Table] = []
        self._pending = 0

    def add(self, **columns: np.ndarray) -> None:
        """Adds rows: an array [M] for each column of `ClickCounts`."""
        table = pa.table({name: columns[name] for name in (*_KEYS, *_SUMS)})
        self._tables.append(table)
        self._pending += table.num_rows
        if self._pending > _MOST_PENDING:
            self._tables, self._pending = [self._summed()], 0

    def counts(self, queries: tuple[str, ...], products: tuple[str, ...]) -> ClickCounts:
        """The sums, in the order of their keys."""
        table = self._summed().sort_by([(name, "ascending") for name in _KEYS])
        columns = {name: table[name].to_numpy() for name in (*_KEYS, *_SUMS)}
        return ClickCounts(queries, products, **columns)

    def _summed(self) -> pa.Table:
        table = pa.concat_tables(self._tables or [_empty()])
        sums = table.group_by(list(_KEYS)).aggregate([(name, "sum") for name in _SUMS])
        return pa.table(
            {name: sums[name] for name in _KEYS}
            | {name: sums[f"{name}_sum"] for name in _SUMS}
        )


def _empty() -> pa.Table:
    kinds = (np.int32, np.int32, np.int32, np.int8, np.int64, np.int64)
    return pa.table(
        {name: np.zeros(0, kind) for name, kind in zip((*_KEYS, *_SUMS), kinds)}
    )
