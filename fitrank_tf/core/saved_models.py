"""Loads SavedModels from any folder."""

import functools
import tempfile
from pathlib import Path
from typing import Any

# TensorFlow looks for variables with the path as a pattern, and knows no escapes.
_PATTERN = frozenset("*?[]\\{}")


def load_saved_model(folder: Path) -> Any:
    """`tf.saved_model.load`, also from a folder with `[`, `*` or `?` in its path.

    Raises:
        OSError, ValueError, tf.errors.OpError: if it cannot be loaded.
    """
    import tensorflow as tf

    return tf.saved_model.load(without_pattern(folder))


def without_pattern(folder: Path) -> str:
    """A path of the folder that is no pattern: its own, or that of a link to it."""
    path = str(folder)
    return _linked(str(Path(folder).absolute())) if _PATTERN & set(path) else path


@functools.cache
def _linked(path: str) -> str:
    """A link that lasts as long as the process: models copy their assets when saved."""
    link = Path(tempfile.mkdtemp(dir=_links().name)) / "model"
    link.symlink_to(path, target_is_directory=True)
    return str(link)


@functools.cache
def _links() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fitrank-")
