"""Starting a server in a process of its own and waiting until it is ready."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from fitrank_tf.core.errors import FitRankError

_POLL_SECONDS = 0.1
_STOP_SECONDS = 30.0
# Enough for imports, models and their warm-up on a busy machine.
READY_SECONDS = 180.0


def free_port() -> int:
    """A free TCP port of this machine."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def serving_process(
    name: str,
    arguments: Sequence[str],
    log: Path,
    is_ready: Callable[[], bool],
    deadline: float,
    environment: Mapping[str, str],
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `python -m` with arguments until the block ends.

    Args:
        name: the server's name, for error messages.
        arguments: the arguments after `-m`.
        log: file for the output of the process.
        is_ready: polled until it returns True.
        deadline: seconds that the start may take.
        environment: variables to set.

    Yields:
        The process.

    Raises:
        FitRankError: if the process ends, or is not ready in time.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait(name, process, log, is_ready, deadline)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def local_server(
    name: str, arguments: Sequence[str], log: Path
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Runs the local server on a free port until the block ends.

    Args:
        name: the server's name, for error messages.
        arguments: `serving.server` and its flags.
        log: file for the output of the process.

    Yields:
        The gRPC address, and the process.

    Raises:
        FitRankError: as `serving_process`.
    """
    port = free_port()

    def is_ready() -> bool:
        return "serving on" in log.read_text(errors="replace")

    arguments = [*arguments, f"--port={port}"]
    with serving_process(name, arguments, log, is_ready, READY_SECONDS, {}) as process:
        yield f"127.0.0.1:{port}", process


def _wait(
    name: str,
    process: subprocess.Popen[bytes],
    log: Path,
    is_ready: Callable[[], bool],
    deadline: float,
) -> None:
    until = time.monotonic() + deadline
    while not is_ready():
        if process.poll() is not None:
            raise FitRankError(
                f"{name}: its server ended with status {process.returncode} "
                f"({last_line(log)})"
            )
        if time.monotonic() > until:
            raise FitRankError(
                f"{name}: its server was not ready in {deadline:.0f} s ({last_line(log)})"
            )
        time.sleep(_POLL_SECONDS)


def last_line(log: Path) -> str:
    """The last line of a process's log."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "without a word"
