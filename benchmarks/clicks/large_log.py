"""Time and memory of a log of 20 million rows: `python -m benchmarks.clicks.large_log`.

Writes the log of simulated shoppers to a temporary folder, reads it, estimates the
position bias and grades by weighted clicks, each timed; the log is deleted at the end.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benchmarks.clicks.shoppers import Shoppers, browse, shop_rankings
from fitrank_tf.clicks.propensities import estimate_propensities
from fitrank_tf.clicks.read_log import read_click_log
from fitrank_tf.clicks.relevance import click_grades

_QUERIES, _PRODUCTS, _LENGTH = 50_000, 40, 10
# Products of the whole catalogue, of which a query has some.
_CATALOGUE = 200_000
_PAGES_AT_ONCE, _PAGES_OF_SESSION = 100_000, 4


def write_log(path: Path, rows: int) -> None:
    """Writes a log.

    Args:
        path: ending in .csv or .parquet.
        rows: of it, ten a page.
    """
    rng = np.random.default_rng(0)
    grades = rng.integers(0, 5, (_QUERIES, _PRODUCTS)).astype(np.int8)
    products = rng.integers(_CATALOGUE, size=(_QUERIES, _PRODUCTS))
    scores = grades + rng.normal(0, 2, grades.shape)
    rankings = shop_rankings(scores, 4, _LENGTH, 0.3, seed=1).astype(np.int16)
    names = pa.array([f"search of the shop {number}" for number in range(_QUERIES)])
    writer: pa_csv.CSVWriter | pq.ParquetWriter | None = None
    for start in range(0, rows // _LENGTH, _PAGES_AT_ONCE):
        pages = browse(Shoppers(), rankings, grades, _PAGES_AT_ONCE, seed=start + 2)
        page = np.repeat(np.arange(_PAGES_AT_ONCE), _LENGTH) + start
        query = np.repeat(pages.query, _LENGTH)
        table = pa.table(
            {
                "session": pa.array(page // _PAGES_OF_SESSION).cast(pa.string()),
                "time": (page * 7).astype(np.float64),
                "query": names.take(pa.array(query)),
                "product": pa.array(products[query, pages.products.ravel()]).cast(
                    pa.string()
                ),
                "position": np.tile(np.arange(1, _LENGTH + 1), _PAGES_AT_ONCE),
                "clicked": pages.clicks.ravel().astype(np.int8),
            }
        )
        if writer is None:
            kind = pa_csv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
            writer = kind(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--format", default="csv", choices=("csv", "parquet"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"log.{options.format}"
        write_log(path, options.rows)
        size = path.stat().st_size / 1e9
        print(f"{options.rows:,} rows, {size:.2f} GB of {options.format}", flush=True)
        started, used = time.monotonic(), time.process_time()
        log = read_click_log([str(path)])
        print(log.report())
        _print_times("read", started, used)
        started, used = time.monotonic(), time.process_time()
        propensities = estimate_propensities(log.counts)
        grades = click_grades(log.counts, propensities)
        print(propensities.method, np.round(propensities.relevant, 3), len(grades.pairs))
        _print_times("position bias and grades", started, used)


def _print_times(name: str, started: float, used: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{name}: {time.monotonic() - started:.0f} s, of the processors "
        f"{time.process_time() - used:.0f} s; peak memory {peak:.2f} GB",
        flush=True,
    )


if __name__ == "__main__":
    main()
