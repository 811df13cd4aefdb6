"""Where the models lie that ship with the repository."""

from pathlib import Path

import fitrank_tf
from fitrank_tf.errors import FitRankError


def find_shipped(folder: str) -> Path:
    """A folder of trained models.

    Args:
        folder: relative to the working directory, else to the repository, which ships
            some in `saved_models/`.

    Raises:
        FitRankError: if there is no such folder.
    """
    for base in (Path(), Path(fitrank_tf.__file__).parent.parent):
        if folder and (base / folder).is_dir():
            return base / folder
    raise FitRankError(
        f"there is no folder {folder!r}, neither here nor in the repository; name one "
        "that `python -m pipelines.train_detector` or `train_features` wrote"
    )
