"""Files that are either whole or not there."""

import os
from pathlib import Path

from fitrank_tf.errors import FitRankError


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes `content` beside `path` and renames it, making missing folders.

    Raises:
        FitRankError: if the path cannot be written. What was there before stays.
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_bytes(content)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise FitRankError(
            f"cannot write {path}: {error.strerror}; choose another output path"
        ) from error
