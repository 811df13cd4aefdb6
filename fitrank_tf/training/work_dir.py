"""The folder of the finished stages of training runs, from which runs are resumed."""

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fitrank_tf.core.files import locked, replace_folder

logger = logging.getLogger(__name__)

_UNFINISHED = ".unfinished"
_KEY_CHARS = 12


class WorkDir:
    """A folder with one subfolder for each finished stage.

    The subfolder is named after the stage's key (`Stage.key`): with another configuration,
    catalogue or code it is another one, otherwise it is reused.

    Args:
        root: path of the folder, which is made when first needed.
        fresh: whether stages of earlier runs are ignored.
    """

    def __init__(self, root: Path, fresh: bool = False):
        self._root = root
        self._made: set[Path] = set()
        self._fresh = fresh

    def folder(self, stage: str, key: str) -> Path:
        """The folder of a stage's files, whether it exists or not.

        Args:
            stage: name of the stage.
            key: `Stage.key`, hexadecimal.
        """
        return self._root / f"{stage}-{key[:_KEY_CHARS]}"

    def is_finished(self, folder: Path) -> bool:
        """Whether the stage of a folder can be reused."""
        if self._fresh and folder not in self._made:
            return False
        if folder.is_dir():
            logger.info("%s: finished before, reused (--fresh makes it again)", folder)
            return True
        return False

    def locked(self, folder: Path) -> BinaryIO:
        """Keeps other processes from making a stage; waits for one that makes it."""
        return locked(folder.with_name(f".{folder.name}.lock"))

    @contextlib.contextmanager
    def making(self, folder: Path) -> Iterator[Path]:
        """Yields a folder to write to, which is renamed to `folder` without an error.

        After an interruption the folder and its files are kept for the next run.
        """
        unfinished = folder.with_name(folder.name + _UNFINISHED)
        if self._fresh:
            shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, exist_ok=True)
        yield unfinished
        replace_folder(unfinished, folder)
        self._made.add(folder)
        logger.info("wrote %s", folder)
