"""A lock that many may hold to read, or one to write."""

import contextlib
import threading
from collections.abc import Iterator


class ReadersWriterLock:
    """Readers share it; a writer waits for them to leave and keeps new ones out.

    Waiting writers go first, so that a stream of readers cannot starve them. Not
    reentrant.
    """

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._readers = 0
        self._writing = False
        self._waiting_writers = 0

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Held beside other readers."""
        with self._free:
            while self._writing or self._waiting_writers:
                self._free.wait()
            self._readers += 1
        try:
            yield
        finally:
            with self._free:
                self._readers -= 1
                self._free.notify_all()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Held alone."""
        with self._free:
            self._waiting_writers += 1
            while self._writing or self._readers:
                self._free.wait()
            self._waiting_writers -= 1
            self._writing = True
        try:
            yield
        finally:
            with self._free:
                self._writing = False
                self._free.notify_all()
