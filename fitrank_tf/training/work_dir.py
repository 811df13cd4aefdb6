"""Finished stages of a training run, kept so that a run can be resumed."""

import contextlib
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

from fitrank_tf.core.files import replace_folder

logger = logging.getLogger(__name__)

_UNFINISHED = ".unfinished"
_KEY_CHARS = 12


class WorkDir:
    """A folder with one sub-folder a finished stage.

    A stage's folder is named after its key (`Stage.key`): another configuration, catalogue
    or code makes another folder, the same one is reused.

    Args:
        root: made when first needed.
        fresh: ignores what earlier runs left.
    """

    def __init__(self, root: Path, fresh: bool = False):
        self._root = root
        self._made: set[Path] = set()
        self._fresh = fresh

    def folder(self, stage: str, key: str) -> Path:
        """Where the stage's results are, or will be."""
        return self._root / f"{stage}-{key[:_KEY_CHARS]}"

    def is_finished(self, folder: Path) -> bool:
        """Whether the stage can be reused."""
        if self._fresh and folder not in self._made:
            return False
        if folder.is_dir():
            logger.info("%s: finished before, reused (--fresh makes it anew)", folder)
            return True
        return False

    @contextlib.contextmanager
    def making(self, folder: Path) -> Iterator[Path]:
        """A folder to work in; it becomes `folder` when the stage ends well.

        An interrupted stage finds its own files there again.
        """
        unfinished = folder.with_name(folder.name + _UNFINISHED)
        if self._fresh:
            shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, exist_ok=True)
        yield unfinished
        replace_folder(unfinished, folder)
        self._made.add(folder)
        logger.info("wrote %s", folder)
