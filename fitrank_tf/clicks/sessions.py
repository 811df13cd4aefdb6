"""Sums a log's rows without the sessions that no shopper made."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from fitrank_tf.clicks.counts import CountSum
from fitrank_tf.clicks.log_options import SessionRules

# Files that the rows lie in, all rows of a session in one.
_NUM_FILES = 64
_SECONDS = 60.0
_ROW = np.dtype(
    [
        ("session", np.int64),
        ("time", np.float64),
        ("impressions", np.int64),
        ("clicks", np.int64),
        ("query", np.int32),
        ("product", np.int32),
        ("position", np.int32),
        ("intervention", np.int8),
    ]
)


class SessionSum:
    """Keeps the rows of sessions in temporary files until all are there.

    Args:
        rules: the sessions to leave out.
        total: gets the rows of the others.
    """

    def __init__(self, rules: SessionRules, total: CountSum):
        self._rules, self._total = rules, total
        self._folder = tempfile.TemporaryDirectory(prefix="fitrank-clicks-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def add(self, **columns: np.ndarray) -> None:
        """Adds rows: the columns of `CountSum.add`, `session` int64 and `time` float64."""
        rows = np.empty(len(columns["session"]), _ROW)
        for name in _ROW.names or ():
            rows[name] = columns[name]
        file_of = rows["session"] % _NUM_FILES
        rows = rows[np.argsort(file_of, kind="stable")]
        ends = np.cumsum(np.bincount(file_of, minlength=_NUM_FILES))
        for number, part in enumerate(np.split(rows, ends[:-1])):
            if len(part):
                with self._file(number).open("ab") as file:
                    part.tofile(file)

    def finish(self) -> Counter[str]:
        """Sums the rows of the sessions that are kept.

        Returns:
            {rule: rows of the sessions that it leaves out}.
        """
        left_out: Counter[str] = Counter()
        for number in range(_NUM_FILES):
            if not self._file(number).exists():
                continue
            rows = np.fromfile(self._file(number), _ROW)
            keys, of_rows = np.unique(rows["session"], return_inverse=True)
            kept = np.ones(len(keys), bool)
            for why, bad in _judged(rows, of_rows, len(keys), self._rules):
                left_out[why] += int((bad & kept)[of_rows].sum())
                kept &= ~bad
            rows = rows[kept[of_rows]]
            names = [name for name in _ROW.names or () if name not in ("session", "time")]
            self._total.add(**{name: np.ascontiguousarray(rows[name]) for name in names})
        return +left_out

    def _file(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number}.rows"


def _judged(
    rows: np.ndarray, session: np.ndarray, count: int, rules: SessionRules
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields each rule with the sessions that it leaves out, bool [count]."""
    pairs = np.unique(session.astype(np.int64) << 32 | rows["query"])
    queries = np.bincount(pairs >> 32, minlength=count)
    impressions, clicks = (
        np.bincount(session, rows[name], count) for name in ("impressions", "clicks")
    )
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    timed = np.isfinite(rows["time"])
    np.minimum.at(first, session[timed], rows["time"][timed])
    np.maximum.at(last, session[timed], rows["time"][timed])
    minutes = (last - first) / _SECONDS
    yield (
        f"sessions of fewer than {rules.fewest_queries} queries (--fewest_queries)",
        queries < rules.fewest_queries,
    )
    yield (
        f"sessions of more than {rules.most_queries} queries (--most_queries)",
        queries > rules.most_queries,
    )
    yield (
        f"sessions that click more than {rules.most_clicked:g} of what they see "
        "(--most_clicked)",
        (impressions >= rules.fewest_to_judge)
        & (clicks > rules.most_clicked * impressions),
    )
    yield (
        f"sessions of more than {rules.most_per_minute:g} queries a minute "
        "(--most_per_minute)",
        (minutes > 1) & (queries > rules.most_per_minute * minutes),
    )
