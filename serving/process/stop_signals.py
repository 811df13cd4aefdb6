"""Waiting for SIGTERM and SIGINT through a pipe.

Python runs signal handlers in the main thread only, once that thread reaches its next
instruction. A signal delivered to another thread does not wake a main thread that waits
for a lock, and a handler that sets an event hangs for ever if the main thread was just
taking that event's lock. `signal.set_wakeup_fd` makes the thread that got the signal write
to the pipe, which wakes the reader.
"""

import os
import signal
import threading

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

# The exit status of a process that signal N ended is 128 + N in a shell.
_SIGNAL_STATUS = 128


class StopSignals:
    """Once created, stop signals no longer end the process by themselves.

    Has to be created in the main thread.
    """

    def __init__(self) -> None:
        # Never closed: signals may arrive after this object is gone.
        self._reader, writer = os.pipe()
        # A signal handler must never block.
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        for number in _STOP_SIGNALS:
            # Without a Python handler nothing is written to the pipe.
            signal.signal(number, lambda *_: None)

    def wait(self) -> int:
        """Waits for the next stop signal and returns its number."""
        while True:
            [number] = os.read(self._reader, 1)
            if number in _STOP_SIGNALS:
                return number

    def exit_on_next(self) -> None:
        """Makes the next stop signal end the process at once."""
        threading.Thread(target=self._exit, name="stop-signals", daemon=True).start()

    def _exit(self) -> None:
        os._exit(_SIGNAL_STATUS + self.wait())
