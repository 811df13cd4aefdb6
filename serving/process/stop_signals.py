"""SIGTERM and SIGINT, told through a pipe to whoever waits for them.

Python runs its own handlers in the main thread only, once that thread comes to its next
instruction. A signal that the system hands to another thread does not wake a main thread
that waits for a lock, and a handler that sets an event hangs for ever where the main
thread was just taking that event's lock. What `signal.set_wakeup_fd` writes is written by
whichever thread got the signal, and wakes whoever reads.
"""

import os
import signal
import threading

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

# What a shell shows of a process that a signal ended.
_SIGNAL_STATUS = 128


class StopSignals:
    """From its making on, the process does not end by a stop signal on its own.

    To be made in the main thread.
    """

    def __init__(self) -> None:
        # Open as long as the process: the signals outlive this object.
        self._reader, writer = os.pipe()
        # A handler must never wait.
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        for number in _STOP_SIGNALS:
            # Without a handler of Python nothing is written.
            signal.signal(number, lambda *_: None)

    def wait(self) -> int:
        """Waits for the next stop signal, and returns its number."""
        while True:
            [number] = os.read(self._reader, 1)
            if number in _STOP_SIGNALS:
                return number

    def exit_at_the_next(self) -> None:
        """Lets the next stop signal end the process at once, whatever is in work."""
        threading.Thread(target=self._exit, name="stop-signals", daemon=True).start()

    def _exit(self) -> None:
        os._exit(_SIGNAL_STATUS + self.wait())
