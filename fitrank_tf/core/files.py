"""Files that are either whole or not there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from fitrank_tf.core.errors import FitRankError


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes `content` beside `path` and renames it, making missing folders.

    Raises:
        FitRankError: if the path cannot be written. What was there before stays.
    """
    with written_aside(path) as unfinished:
        unfinished.write_bytes(content)


@contextlib.contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Where to write a file that is then renamed to `path`, making missing folders.

    Raises:
        FitRankError: if the path cannot be written. What was there before stays.
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise FitRankError(
            f"cannot write {path}: {error.strerror}; choose another output path"
        ) from error
