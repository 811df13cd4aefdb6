"""Finds the header of a table that has titles, notes or cover sheets before it."""

import dataclasses
import itertools
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from fitrank_tf.datasets.tables.cells import header_key

logger = logging.getLogger(__name__)

# Titles and notes above a header are few.
MOST_LINES_ABOVE = 20


@dataclasses.dataclass(frozen=True)
class Header:
    """What tells a header from other rows.

    Attributes:
        groups: names of columns; a header has one of each group, in any letter case. With
            no groups every row may be the header, so the first one is.
    """

    groups: tuple[tuple[str, ...], ...] = ()

    def is_in(self, cells: Iterable[Any]) -> bool:
        """Whether cells are a header.

        Args:
            cells: of a row.
        """
        keys = {header_key(cell) for cell in cells if isinstance(cell, str)}
        return all(any(header_key(name) in keys for name in of) for of in self.groups)

    def row_of(self, rows: Iterable[Sequence[Any]]) -> int | None:
        """The place of the header among the first rows; None if none is one.

        Args:
            rows: cells of rows, from the first that is not empty.
        """
        first = enumerate(itertools.islice(rows, MOST_LINES_ABOVE + 1))
        return next((place for place, row in first if self.is_in(row)), None)


FIRST_ROW = Header()


def warn_of_lines_above(path: str, first: int, last: int) -> None:
    """Logs that lines are no part of the table.

    Args:
        path: of the table.
        first: the first line that is not empty.
        last: the line above the header.
    """
    logger.warning(
        "%s: lines %d to %d stand above the header: passed over", path, first, last
    )
