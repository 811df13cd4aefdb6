"""Small logs of known rows."""

from collections.abc import Iterable

import numpy as np

from fitrank_tf.clicks.counts import RANKED, ClickCounts, CountSum

KEYS = ("query", "product", "position", "intervention")
_DTYPES = (np.int32, np.int32, np.int32, np.int8, np.int64, np.int64)


def columns_of(rows: Iterable[tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Columns of `CountSum.add` of (query, product, position, how, impressions, clicks)."""
    names = (*KEYS, "impressions", "clicks")
    table = np.array(list(rows), np.int64).reshape(-1, len(names))
    return {
        name: table[:, n].astype(kind) for n, (name, kind) in enumerate(zip(names, _DTYPES))
    }


def log_of(rows: Iterable[tuple[int, ...]], queries: int, products: int) -> ClickCounts:
    """A log; query i is named "q<i>", product i "p<i>"."""
    total = CountSum()
    total.add(**columns_of(rows))
    return total.counts(
        tuple(f"q{n}" for n in range(queries)), tuple(f"p{n}" for n in range(products))
    )


def random_log(
    seed: int, rows: int = 60, queries: int = 5, products: int = 7
) -> ClickCounts:
    """A log of positions 1 to 4, without query 0 and the last product.

    Later products are more relevant, lower positions are seen less.
    """
    rng = np.random.default_rng(seed)
    shown, position = rng.integers(1, 50, rows), rng.integers(1, 5, rows)
    product = rng.integers(0, products - 1, rows)
    columns = (
        rng.integers(1, queries, rows),
        product,
        position,
        np.full(rows, RANKED),
        shown,
        rng.binomial(shown, (product + 1) / products / position),
    )
    return log_of(zip(*columns), queries, products)


def rows_of(log: ClickCounts) -> list[tuple[int, ...]]:
    """(query, product, position, how, impressions, clicks) of the rows of a log."""
    columns = (*(getattr(log, name) for name in KEYS), log.impressions, log.clicks)
    return [tuple(map(int, row)) for row in zip(*columns)]
