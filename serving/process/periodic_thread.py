"""A thread that repeats an action at an interval."""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class PeriodicThread:
    """Calls `action` every `seconds` seconds until it is stopped.

    An error of `action` is logged and does not stop the repetition.
    """

    def __init__(self, name: str, action: Callable[[], None], seconds: float) -> None:
        self._action = action
        self._seconds = seconds
        self._stopped = threading.Event()
        # A daemon, so that a process that does not stop it can end.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the call in progress, if any."""
        self._stopped.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self._action()
            except Exception:
                logger.exception("%s: failed, and goes on", self._thread.name)
