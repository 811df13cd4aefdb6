"""Lines of small text files that people write, with their numbers for messages."""

import os
from collections.abc import Iterator
from pathlib import Path

from fitrank_tf.core.errors import FitRankError


def numbered_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1.

    Raises:
        FitRankError: if the file cannot be read, is empty or not UTF-8.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FitRankError(
            f"cannot read {path}: {error.strerror}; check the path"
        ) from error
    try:
        # Spreadsheets put a byte-order mark in front; it is no part of the first id.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise line_error(path, number, "not UTF-8", "save the file as UTF-8") from error
    if not text.strip():
        raise FitRankError(f"{path} is empty; write at least one line")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def line_error(
    path: str | os.PathLike[str],
    number: int,
    problem: str,
    mend: str = "mend or remove the line",
) -> FitRankError:
    """One line that names the file, the line, what is wrong and what to do."""
    return FitRankError(f"{path}, line {number}: {problem}; {mend}")
