"""Reads click logs of any size into counts; what is wrong in them is left out and named."""

import dataclasses
import datetime
import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa

from fitrank_tf.clicks.counts import RANDOMISED, RANKED, SWAPPED, ClickCounts, CountSum
from fitrank_tf.clicks.log_files import LogPart, read_parts
from fitrank_tf.clicks.log_options import LogOptions, SessionRules
from fitrank_tf.clicks.sessions import SessionSum
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import Progress
from fitrank_tf.datasets.splits import title_key
from fitrank_tf.datasets.tables.cells import cell_text

logger = logging.getLogger(__name__)

_BAD = -1
_TRUE = frozenset({"1", "true", "t", "yes", "y"})
_FALSE = frozenset({"0", "false", "f", "no", "n", ""})
_UNDECODED = "\ufffd"
_MOST_COUNT = 2**31


@dataclasses.dataclass(frozen=True)
class ClickLog:
    """A log that was read.

    Attributes:
        counts: its impressions and clicks.
        rows: rows of the files.
        left_out: {why, with the field and the mend: rows}.
    """

    counts: ClickCounts
    rows: int
    left_out: Mapping[str, int]

    def report(self) -> str:
        """One line for the log and one for each reason to leave rows out."""
        counts = self.counts
        lines = [
            f"{self.rows:,} rows: {counts.impressions.sum():,} impressions and "
            f"{counts.clicks.sum():,} clicks of {len(counts.queries):,} queries and "
            f"{len(counts.products):,} products are kept"
        ]
        lines += [
            f"left out: {count:,} rows: {why}" for why, count in self.left_out.items()
        ]
        return "\n".join(lines)


def read_click_log(
    paths: Sequence[str],
    options: LogOptions | None = None,
    rules: SessionRules | None = None,
    known: Collection[str] | None = None,
) -> ClickLog:
    """Reads the files of a log.

    Queries that differ in case and white space alone are one.

    Args:
        paths: CSV or Parquet files.
        options: their form.
        rules: the sessions to leave out.
        known: ids of the catalogue's products; rows of others are left out. None keeps all.

    Raises:
        FitRankError: if no file can be read, or no row of them is sound.
    """
    options, rules = options or LogOptions(), rules or SessionRules()
    reader = _Reader(options, None if known is None else frozenset(known))
    left_out: Counter[str] = Counter()
    errors: list[FitRankError] = []
    total, rows = CountSum(), 0
    with (
        SessionSum(rules, total) as sessions,
        Progress("reading clicks", None, "rows") as shown,
    ):
        for path in paths:
            try:
                for part in read_parts(path, options):
                    count, sound = reader.columns(part)
                    rows += count
                    left_out.update(part.problems)
                    if "session" in sound:
                        sessions.add(**sound)
                    elif sound:
                        total.add(**sound)
                    shown.add(count)
            except FitRankError as error:
                logger.warning("%s", error)
                errors.append(error)
        dropped = sessions.finish()
    if len(errors) == len(paths):
        raise errors[0] if errors else FitRankError("name one or more files of clicks")
    left_out += reader.problems()
    left_out += dropped
    counts = total.counts(reader.queries(), reader.products())
    log = ClickLog(counts, rows, dict(left_out.most_common()))
    if not len(counts):
        raise FitRankError(
            f"{', '.join(map(str, paths))}: no row can be used; {log.report()}".replace(
                "\n", "; "
            )
        )
    return log


class _Ids:
    """Numbers the cells of a column by their cleaned text, in the order of coming."""

    def __init__(self, key: Callable[[str], str], known: Collection[str] | None = None):
        self._key, self._known = key, known
        self._of_cells: dict[object, int] = {}
        self._of_keys: dict[str, int] = {}
        self.texts: list[str] = []

    def __call__(self, cell: object) -> int:
        number = self._of_cells.get(cell)
        if number is None:
            number = self._of_cells[cell] = self._new(_text(cell))
        return number

    def _new(self, text: str) -> int:
        if not text or _UNDECODED in text:
            return _BAD if not text else _BAD - 1
        if self._known is not None and text not in self._known:
            return _BAD - 2
        number = self._of_keys.setdefault(self._key(text), len(self.texts))
        if number == len(self.texts):
            self.texts.append(text)
        return number


class _Reader:
    """Turns the cells of a log's columns into numbers, and remembers what was wrong."""

    def __init__(self, options: LogOptions, known: Collection[str] | None):
        self._query, self._product = _Ids(title_key), _Ids(str, known)
        self._first, self._last = options.first_position, options.most_positions
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def queries(self) -> tuple[str, ...]:
        """Texts of the queries by number, in one line each."""
        return tuple(" ".join(text.split()) for text in self._query.texts)

    def products(self) -> tuple[str, ...]:
        """Ids of the products by number."""
        return tuple(self._product.texts)

    def problems(self) -> Counter[str]:
        """{what is wrong, an example and the mend: rows}."""
        return Counter(
            {
                why.replace("{}", self._examples.get(why, "")): n
                for why, n in self._counts.items()
            }
        )

    def columns(self, part: LogPart) -> tuple[int, dict[str, np.ndarray]]:
        """(rows of a part, its sound rows as columns of `CountSum.add`)."""
        count = sum(part.problems.values())
        if not part.columns:
            return count, {}
        size = len(part.columns["query"])
        self._sound = np.ones(size, bool)
        query = self._ids(part, "query", self._query)
        product = self._ids(part, "product", self._product)
        position = self._position(part)
        impressions, clicks = self._clicks(part, size)
        columns = {
            "query": query.astype(np.int32),
            "product": product.astype(np.int32),
            "position": position.astype(np.int32),
            "intervention": self._intervention(part, size),
            "impressions": impressions,
            "clicks": clicks,
        }
        if "session" in part.columns:
            columns["session"] = _codes(part.columns["session"], _session)
            self._drop(columns["session"] == 0, part, "session", "`session` is empty")
            columns["time"] = (
                _codes(part.columns["time"], _seconds, np.float64)
                if "time" in part.columns
                else np.full(size, np.nan)
            )
        kept = {name: values[self._sound] for name, values in columns.items()}
        return count + size, kept

    def _ids(self, part: LogPart, name: str, ids: _Ids) -> np.ndarray:
        codes = _codes(part.columns[name], ids)
        self._drop(codes == _BAD, part, name, f"`{name}` is empty; write it in each row")
        self._drop(
            codes == _BAD - 1,
            part,
            name,
            f"`{name}` is not UTF-8, as {{}}; save the log as UTF-8 or give --encoding",
        )
        self._drop(
            codes == _BAD - 2,
            part,
            name,
            f"`{name}` is not in the catalogue, as {{}}; log the ids of its table",
        )
        return codes

    def _position(self, part: LogPart) -> np.ndarray:
        given = _codes(part.columns["position"], _whole, np.float64)
        position = given - self._first + 1
        self._drop(
            ~(position >= 1),
            part,
            "position",
            f"`position` is {{}}; whole numbers from {self._first} are read, "
            "--first_position changes where they begin",
        )
        self._drop(
            position > self._last,
            part,
            "position",
            f"`position` is below the first {self._last}, as {{}}; "
            "--most_positions changes how many are read",
        )
        return np.nan_to_num(position)

    def _clicks(self, part: LogPart, size: int) -> tuple[np.ndarray, np.ndarray]:
        if "clicked" in part.columns:
            clicked = _codes(part.columns["clicked"], _flag)
            self._drop(
                clicked < 0, part, "clicked", "`clicked` is {}; write 1 or 0 into each row"
            )
            return np.ones(size, np.int64), clicked
        impressions = _codes(part.columns["impressions"], _whole, np.float64)
        clicks = _codes(part.columns["clicks"], _whole, np.float64)
        for name, values in (("impressions", impressions), ("clicks", clicks)):
            self._drop(
                ~((values >= 0) & (values < _MOST_COUNT)),
                part,
                name,
                f"`{name}` is {{}}; write whole numbers from 0",
            )
        self._drop(
            clicks > impressions,
            part,
            "clicks",
            "`clicks` are more than `impressions`, as {}; count a product's clicks and "
            "the pages that showed it there alike",
        )
        self._drop(
            impressions == 0, part, "impressions", "`impressions` is 0: nothing was shown"
        )
        both = (np.nan_to_num(values).astype(np.int64) for values in (impressions, clicks))
        shown, clicked = both
        return shown, clicked

    def _intervention(self, part: LogPart, size: int) -> np.ndarray:
        kinds = np.full(size, RANKED, np.int8)
        for name, kind in (("randomised", RANDOMISED), ("swapped", SWAPPED)):
            if name in part.columns:
                flags = _codes(part.columns[name], _flag)
                self._drop(flags < 0, part, name, f"`{name}` is {{}}; write 1 or 0")
                kinds[flags == 1] = kind
        return kinds

    def _drop(self, bad: np.ndarray, part: LogPart, name: str, why: str) -> None:
        """Leaves rows out that no earlier problem has left out."""
        bad = bad & self._sound
        if count := int(bad.sum()):
            if why not in self._examples:
                cell = part.columns[name][int(np.argmax(bad))].as_py()
                self._examples[why] = repr(_text(cell)[:40])
            self._counts[why] += count
            self._sound &= ~bad


def _codes(
    column: pa.ChunkedArray, of_cell: Callable[[object], float], kind: type = np.int64
) -> np.ndarray:
    """A number for each cell; `of_cell` is asked once for each different one."""
    found = []
    for chunk in column.chunks:
        encoded = chunk.dictionary_encode()
        values = [of_cell(cell) for cell in encoded.dictionary.to_pylist()]
        # One more for missing cells, at -1.
        values.append(of_cell(""))
        places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        found.append(np.array(values, kind)[places])
    return np.concatenate(found) if found else np.zeros(0, kind)


def _text(cell: object) -> str:
    return cell_text(cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell)


def _whole(cell: object) -> float:
    """A whole number; NaN for anything else."""
    try:
        number = float(cell if isinstance(cell, int | float) else _text(cell))
    except ValueError:
        return math.nan
    return number if number.is_integer() else math.nan


def _flag(cell: object) -> int:
    """1 for true, 0 for false, -1 for anything else."""
    if isinstance(cell, bool):
        return int(cell)
    text = _text(cell).casefold()
    return 1 if text in _TRUE else 0 if text in _FALSE else _BAD


def _session(cell: object) -> int:
    """A hash of a session's name, 0 for none."""
    return (hash(cell) or 1) if cell not in (b"", "", None) else 0


def _seconds(cell: object) -> float:
    """Seconds of a time in ISO form or a number of seconds; NaN for anything else."""
    if isinstance(cell, datetime.datetime):
        return cell.timestamp()
    text = _text(cell)
    try:
        return float(text)
    except ValueError:
        try:
            return datetime.datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError, OSError):
            return math.nan
