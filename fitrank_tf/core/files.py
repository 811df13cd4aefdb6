"""Atomic writes of files and folders.

They are written under another name in the same folder, synced to disk and renamed. The
content must be on the disk before the new name is, or a power cut leaves an empty file.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fitrank_tf.core.errors import FitRankError

# Prefixes of unfinished and of replaced folders. TF-Serving skips such folders, because
# their names are not numbers.
_NEW, _OLD = ".tmp-", ".old-"

CACHE_VARIABLE = "FITRANK_CACHE"

logger = logging.getLogger(__name__)


def cache_dir() -> Path:
    """The folder of prepared catalogues: `$FITRANK_CACHE`, or `~/.cache/fitrank_tf`."""
    return Path(os.environ.get(CACHE_VARIABLE) or "~/.cache/fitrank_tf").expanduser()


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes a file atomically, and makes missing folders.

    Args:
        path: the file to write or replace.
        content: the bytes of the file.

    Raises:
        FitRankError: if the path cannot be written. An older file is then unchanged.
    """
    with written_aside(path) as unfinished:
        unfinished.write_bytes(content)


def file_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 (hex) of a file's content, of which a part is in memory at a time.

    Raises:
        OSError: if the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields the path of a temporary file that is renamed to `path` at the end.

    Missing folders are made.

    Raises:
        FitRankError: if the path cannot be written. An older file is then unchanged.
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
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


def locked(path: Path) -> BinaryIO:
    """Locks a file, and waits for a process that has it locked.

    Closing the file lets go of it, and so does the end of the process, even by a kill.

    Args:
        path: a file that stands for what is locked. It is made if it is missing, with its
            folder, and is not written to.

    Returns:
        The file, open and locked: `with locked(path):`.

    Raises:
        OSError: if the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        logger.info("%s is locked by another process; waiting for it", path)
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


@contextlib.contextmanager
def folder_written_aside(folder: Path) -> Iterator[Path]:
    """Yields an empty folder that is renamed to `folder` at the end.

    Missing parents are made. An older `folder` is replaced only then; after an error it is
    unchanged and the new one is removed.
    """
    unfinished = folder.with_name(_NEW + folder.name)
    # Remains of a killed process.
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
    """Replaces a folder.

    Args:
        new: the new folder, which is renamed.
        folder: path to rename it to; an older folder there is deleted afterwards.
    """
    old = folder.with_name(_OLD + folder.name)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Renames a folder and deletes it, so that no reader finds it half deleted."""
    old = folder.with_name(_OLD + folder.name)
    folder.rename(old)
    shutil.rmtree(old)


def remove_left_over(parent: Path) -> None:
    """Deletes the remains of killed processes in a folder; none may be writing there."""
    for prefix in (_NEW, _OLD):
        for left in parent.glob(f"{prefix}*"):
            shutil.rmtree(left)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
