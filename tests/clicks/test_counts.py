"""Counts of clicks against sums by hand."""

from collections import Counter

import numpy as np
import pytest

from fitrank_tf.clicks import counts
from fitrank_tf.clicks.counts import RANDOMISED, RANKED, SWAPPED, CountSum
from tests.clicks.small_logs import KEYS, columns_of, log_of, random_log, rows_of

ROWS = [
    (1, 2, 1, RANKED, 5, 1),
    (0, 1, 3, RANKED, 2, 2),
    (1, 2, 1, RANKED, 4, 0),
    (1, 2, 1, SWAPPED, 1, 1),
    (0, 1, 2, RANDOMISED, 7, 3),
    (1, 0, 1, RANKED, 1, 0),
]
SUMS = [
    (0, 1, 2, RANDOMISED, 7, 3),
    (0, 1, 3, RANKED, 2, 2),
    (1, 0, 1, RANKED, 1, 0),
    (1, 2, 1, RANKED, 9, 1),
    (1, 2, 1, SWAPPED, 1, 1),
]


@pytest.mark.parametrize("pending", [1, 2, 3, 6, 4_000_000])
@pytest.mark.parametrize("together", [1, 2, 6])
def test_rows_of_equal_keys_are_summed(monkeypatch, pending: int, together: int) -> None:
    monkeypatch.setattr(counts, "_MOST_PENDING", pending)
    total = CountSum()
    for start in range(0, len(ROWS), together):
        total.add(**columns_of(ROWS[start : start + together]))
    log = total.counts(("a", "b"), ("x", "y", "z"))
    assert (log.queries, log.products) == (("a", "b"), ("x", "y", "z"))
    assert rows_of(log) == SUMS
    dtypes = [getattr(log, name).dtype for name in (*KEYS, "impressions", "clicks")]
    assert dtypes == [np.int32, np.int32, np.int32, np.int8, np.int64, np.int64]


def test_memory_holds_few_rows_beside_the_sums(monkeypatch) -> None:
    monkeypatch.setattr(counts, "_MOST_PENDING", 5)
    total, waiting = CountSum(), []
    for number in range(14):
        total.add(**columns_of([ROWS[number % 2]]))
        waiting.append(sum(table.num_rows for table in total._tables))
    # The sixth row is one too many: then there are two sums.
    assert waiting == [1, 2, 3, 4, 5, 2, 3, 4, 5, 6, 7, 2, 3, 4]


def test_a_log_without_rows() -> None:
    log = CountSum().counts((), ())
    assert (len(log), log.num_positions, rows_of(log)) == (0, 0, [])
    pairs, of_rows = log.pairs()
    assert (pairs.shape, of_rows.shape) == ((0, 2), (0,))
    assert [values.tolist() for values in log.by_position()] == [[], []]


@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_the_different_queries_and_products(seed: int) -> None:
    log = random_log(seed)
    pairs, of_rows = log.pairs()
    expected = sorted({row[:2] for row in rows_of(log)})
    assert [tuple(pair) for pair in pairs.tolist()] == expected
    assert [expected[n] for n in of_rows] == [row[:2] for row in rows_of(log)]


@pytest.mark.parametrize("seed", range(3))
def test_sums_by_position(seed: int) -> None:
    log = random_log(seed)
    shown, clicked = Counter(), Counter()
    for _, _, position, _, impressions, clicks in rows_of(log):
        shown[position] += impressions
        clicked[position] += clicks
    found = [values.tolist() for values in log.by_position()]
    assert found == [[of[k] for k in range(1, 5)] for of in (shown, clicked)]
    assert log.num_positions == 4 == max(row[2] for row in rows_of(log))


def test_some_rows_are_a_log() -> None:
    log = log_of(ROWS, 2, 3)
    for rows in (np.array([4, 0]), log.position == 1):
        places = rows if rows.dtype != bool else np.flatnonzero(rows)
        assert rows_of(log.select(rows)) == [SUMS[n] for n in places]
        assert log.select(rows).products == log.products
