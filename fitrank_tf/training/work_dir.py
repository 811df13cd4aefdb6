"""Finished stages of a training run, kept so that a run can be resumed."""

import argparse
import contextlib
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fitrank_tf

logger = logging.getLogger(__name__)

_UNFINISHED = ".unfinished"


def add_work_arguments(parser: argparse.ArgumentParser) -> None:
    """The option that says where finished stages are kept."""
    parser.add_argument(
        "--work_dir", default="", help="finished stages; OUTPUT_DIR.work if empty"
    )


def named_work_dir(options: argparse.Namespace, fresh: bool = False) -> "WorkDir":
    """The work directory that `--work_dir`, or else `--output_dir`, names."""
    return WorkDir(Path(options.work_dir or f"{Path(options.output_dir)}.work"), fresh)


class WorkDir:
    """A folder with one sub-folder a finished stage.

    A stage's folder is named after a hash of all that made it (`key`): another
    configuration or catalogue makes another folder, the same one is reused.

    Args:
        root: made when first needed.
        fresh: ignores what earlier runs left.
    """

    def __init__(self, root: Path, fresh: bool = False):
        self._root = root
        self._made: set[Path] = set()
        self._fresh = fresh

    def folder(self, stage: str, key: Mapping[str, Any]) -> Path:
        """Where the stage's results are, or will be."""
        text = json.dumps({"version": fitrank_tf.__version__, **key}, sort_keys=True)
        return self._root / f"{stage}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

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
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
        self._made.add(folder)
        logger.info("wrote %s", folder)
