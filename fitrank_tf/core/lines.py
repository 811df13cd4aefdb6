"""Lines of text files, with their numbers for messages."""

import os
from collections.abc import Iterator
from pathlib import Path

from fitrank_tf.core.errors import FitRankError


def numbered_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1, one in memory at a time.

    Raises:
        FitRankError: if the file cannot be read, is empty or not UTF-8.
    """
    is_empty = True
    try:
        with Path(path).open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if line := _decoded(path, number, raw):
                    is_empty = False
                    yield number, line
    except OSError as error:
        raise FitRankError(
            f"cannot read {path}: {error.strerror}; check the path"
        ) from error
    if is_empty:
        raise FitRankError(f"{path} is empty; write at least one line")


def _decoded(path: str | os.PathLike[str], number: int, raw: bytes) -> str:
    """A line without its end; "" for a blank one."""
    try:
        # Spreadsheets put a byte-order mark in front; it is no part of the first id.
        line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise line_error(path, number, "not UTF-8", "save the file as UTF-8") from error
    return line.removesuffix("\n") if line.strip() else ""


def line_error(
    path: str | os.PathLike[str],
    number: int,
    problem: str,
    mend: str = "mend or remove the line",
) -> FitRankError:
    """One line that names the file, the line, what is wrong and what to do."""
    return FitRankError(f"{path}, line {number}: {problem}; {mend}")
