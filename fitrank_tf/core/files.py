"""Files and folders that are either whole or not there.

They are written beside their place, synced to disk and renamed. A new name must not be on
the disk before what it names, or a power cut leaves an empty file under it.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from fitrank_tf.core.errors import FitRankError

# Folders of these names are unfinished or given up; TF-Serving skips them, because they
# are no numbers.
_NEW, _OLD = ".tmp-", ".old-"


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
            _sync(unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise FitRankError(
            f"cannot write {path}: {error.strerror}; choose another output path"
        ) from error


@contextlib.contextmanager
def folder_written_aside(folder: Path) -> Iterator[Path]:
    """An empty folder that is then renamed to `folder`, making missing parents.

    An older folder in this place stays until then. After an error it is as it was, and
    nothing else is left.
    """
    unfinished = folder.with_name(_NEW + folder.name)
    # What a process left that was killed.
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        for path in unfinished.rglob("*"):
            if path.is_file():
                _sync(path)
        replace_folder(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def replace_folder(new: Path, folder: Path) -> None:
    """Renames `new` to `folder`, whose older content, if any, is deleted after it."""
    old = folder.with_name(_OLD + folder.name)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Deletes a folder under another name, so that nobody comes across half of it."""
    old = folder.with_name(_OLD + folder.name)
    folder.rename(old)
    shutil.rmtree(old)


def remove_left_over(parent: Path) -> None:
    """Deletes what processes that were killed left in a folder, none of them running."""
    for prefix in (_NEW, _OLD):
        for left in parent.glob(f"{prefix}*"):
            shutil.rmtree(left)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
