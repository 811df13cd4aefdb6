"""How a click log is read: its columns, positions and sessions."""

import dataclasses

from fitrank_tf.config.checks import (
    require,
    require_not_negative,
    require_positive,
    require_types,
)
from fitrank_tf.core.errors import FitRankError

# {column: usual names of it in the header}. A file has `clicked`, of one impression, or
# the counts `clicks` and `impressions`.
COLUMNS = {
    "query": ("query", "search term", "search", "keyword", "keywords", "q", "text"),
    "product": ("product", "product id", "item", "item id", "sku", "doc", "doc id"),
    "position": ("position", "rank", "pos", "place", "slot"),
    "clicked": ("clicked", "click", "is click", "is clicked"),
    "clicks": ("clicks", "num clicks", "click count"),
    "impressions": ("impressions", "views", "shown", "num impressions"),
    "session": ("session", "session id", "visit", "visit id"),
    "time": ("time", "timestamp", "date", "datetime"),
    "randomised": ("randomised", "randomized", "random", "explored", "shuffled"),
    "swapped": ("swapped", "swap"),
}


@dataclasses.dataclass(frozen=True)
class LogOptions:
    r"""The form of a click log.

    Attributes:
        columns: "COLUMN=NAME" for a column of `COLUMNS` whose name in the files' header is
            not a usual one.
        first_position: number of the topmost position, 0 or above; 0 for logs that count
            positions from 0.
        most_positions: positions below this many are left out, above 0: few look there.
        encoding: Python's name of a CSV file's encoding; "" finds it.
        delimiter: the character between the cells of a CSV file, "" finds it.
    """

    columns: tuple[str, ...] = ()
    first_position: int = 1
    most_positions: int = 50
    encoding: str = ""
    delimiter: str = ""

    def __post_init__(self) -> None:
        require_types(self)
        require_not_negative(self, "first_position")
        require_positive(self, "most_positions")
        for column, name in self.names.items():
            if column not in COLUMNS or not name:
                raise FitRankError(
                    f"--columns {column}={name}: give COLUMN=NAME, where COLUMN is one of "
                    f"{', '.join(COLUMNS)}"
                )

    @property
    def names(self) -> dict[str, str]:
        """{column: its name in the header} of `columns`."""
        return {
            column: name for column, _, name in (s.partition("=") for s in self.columns)
        }


@dataclasses.dataclass(frozen=True)
class SessionRules:
    """Which sessions of a log are left out; without a column `session`, none.

    Attributes:
        fewest_queries: different queries of a session, 1 or above. 2 leaves sessions of a
            single query out, as those of crawlers and price watchers mostly are.
        most_queries: different queries of a session, above 0. More are no person's.
        most_clicked: share of the impressions that are clicked, above 0. A higher share is
            a robot that follows every link; counts in sessions of
            `fewest_to_judge` impressions or more.
        fewest_to_judge: impressions from which on `most_clicked` counts, above 0.
        most_per_minute: different queries a minute, above 0, in sessions of more than a
            minute by the column `time`.
    """

    fewest_queries: int = 2
    most_queries: int = 100
    most_clicked: float = 0.9
    fewest_to_judge: int = 20
    most_per_minute: float = 20.0

    def __post_init__(self) -> None:
        require_types(self)
        require_positive(
            self,
            "fewest_queries",
            "most_queries",
            "most_clicked",
            "fewest_to_judge",
            "most_per_minute",
        )
        require(
            self,
            "most_queries",
            self.most_queries >= self.fewest_queries,
            "fewest_queries or more",
        )
