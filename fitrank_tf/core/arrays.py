"""Small trained models as one NPZ file of named arrays."""

import io
import os
from pathlib import Path

import numpy as np

from fitrank_tf.core.command_line import command_line
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically


def save_arrays(path: str | os.PathLike[str], arrays: dict[str, np.ndarray]) -> None:
    """Writes named arrays as one NPZ file, atomically.

    Args:
        path: the file to write or replace.
        arrays: {name: array}.

    Raises:
        FitRankError: if the path cannot be written.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_atomically(path, buffer.getvalue())


def load_arrays(path: str | os.PathLike[str], made_by: str) -> dict[str, np.ndarray]:
    """Reads the arrays of a file that `save_arrays` wrote.

    Args:
        path: the file.
        made_by: command that makes the file, as `fitrank --help` lists it; the error
            message names it.

    Raises:
        FitRankError: if the file cannot be read.
    """
    try:
        with np.load(Path(path), allow_pickle=False) as arrays:
            return dict(arrays)
    except Exception as error:
        # Damage shows in whatever numpy and zipfile come across first.
        raise FitRankError(
            f"{path} cannot be read ({error}); make it again with `{command_line(made_by)}`"
        ) from error
