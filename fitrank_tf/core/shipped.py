"""Finds the trained models that are shipped with the package."""

import hashlib
from pathlib import Path

from fitrank_tf.core.command_line import command_line
from fitrank_tf.core.errors import FitRankError

_CARD = "README.md"
# A checkout has `saved_models/` beside the package, a wheel inside it.
_PACKAGE = Path(__file__).resolve().parents[1]
_BASES = (Path(), _PACKAGE.parent, _PACKAGE)


def find_shipped(folder: str) -> Path:
    """The path of a folder of trained models.

    Args:
        folder: path relative to the working directory, or else to the repository or the
            installed package, which contain `saved_models/`.

    Raises:
        FitRankError: if there is no such folder.
    """
    found = folder_here_or_shipped(folder)
    if found is not None:
        return found
    raise FitRankError(
        f"there is no folder {folder!r}, neither here nor among the shipped models; name "
        f"one that `{command_line('train-detector')}` or "
        f"`{command_line('train-features')}` wrote"
    )


def folder_here_or_shipped(folder: str) -> Path | None:
    """A folder in the working directory, or else the shipped one; None if neither."""
    for base in _BASES:
        if folder and (base / folder).is_dir():
            return base / folder
    return None


def folder_fingerprint(folder: Path) -> str:
    """SHA-256 (hex) of names and contents of all files in a folder except README.md."""
    digest = hashlib.sha256()
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != _CARD)
    for path in sorted(files):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
