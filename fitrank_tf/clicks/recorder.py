"""Writes what was shown where and what of it was clicked, in the form of a click log."""

import csv
import dataclasses
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fitrank_tf.clicks.interleaving import COLUMNS
from fitrank_tf.core.errors import FitRankError

# Seconds that a page takes clicks for; then its rows are written.
OPEN_SECONDS = 600.0
# Pages that are open at once; older ones are written before.
_MOST_OPEN = 10_000


@dataclasses.dataclass
class _Page:
    """A page that takes clicks."""

    shown: float
    session: str
    query: str
    products: Sequence[str]
    teams: Sequence[str]
    clicked: set[str] = dataclasses.field(default_factory=set)


class ClickRecorder:
    """A click log that grows: rows of a page are added when it takes no more clicks.

    Args:
        path: CSV file, which is added to if it is there.
        now: gives the time in seconds.

    Raises:
        FitRankError: if the file cannot be written.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time):
        self._path, self._now = path, now
        self._open: dict[str, _Page] = {}
        self._changing = threading.Lock()
        self._write([] if path.exists() and path.stat().st_size else [COLUMNS])

    def show(
        self, session: str, query: str, products: Sequence[str], teams: Sequence[str]
    ) -> str:
        """Records a page.

        Args:
            session: name of the shopper's visit, "" if it is not known.
            query: text.
            products: ids, the first at position 1.
            teams: the ranking that each is from, "" for none.

        Returns:
            The page's name, which its clicks give.
        """
        page = secrets.token_urlsafe(12)
        with self._changing:
            self._close_old()
            self._open[page] = _Page(self._now(), session, query, products, teams)
        return page

    def click(self, page: str, product: str) -> bool:
        """Records a click; says whether the page is open and has the product."""
        with self._changing:
            found = self._open.get(page)
            if found is None or product not in found.products:
                return False
            found.clicked.add(product)
            return True

    def close(self) -> None:
        """Writes the rows of all pages."""
        with self._changing:
            self._close_old(everything=True)

    def _close_old(self, everything: bool = False) -> None:
        rows: list[Sequence[object]] = []
        due = self._now() - OPEN_SECONDS
        while self._open:
            name, page = next(iter(self._open.items()))
            if not everything and len(self._open) < _MOST_OPEN and page.shown > due:
                break
            del self._open[name]
            about = (name, page.session or name, f"{page.shown:.3f}", page.query)
            rows += [
                (*about, product, position, int(product in page.clicked), team)
                for position, (product, team) in enumerate(
                    zip(page.products, page.teams, strict=True), start=1
                )
            ]
        self._write(rows)

    def _write(self, rows: Sequence[Sequence[object]]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
        except OSError as error:
            raise FitRankError(
                f"cannot write {self._path}: {error.strerror}; choose another --click_log"
            ) from error
