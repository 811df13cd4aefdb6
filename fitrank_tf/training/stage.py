"""The base class of the stages of a training run, kept under keys of their inputs."""

import abc
import hashlib
import json
import logging
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from fitrank_tf.core.code import code_fingerprint
from fitrank_tf.training.work_dir import WorkDir

logger = logging.getLogger(__name__)

KEY_FILE = "key.json"


class Stage(abc.ABC):
    """A stage makes files in its own folder from the files of other stages.

    It is made again when its key changes, that is when the key of an input, its `config`,
    or the code of its module and of the modules imported there changes.

    Attributes:
        name: beginning of the name of the stage's folder.

    Args:
        work: keeps the folders of finished stages.
    """

    name: ClassVar[str]

    def __init__(self, work: WorkDir):
        self._work = work

    @property
    @abc.abstractmethod
    def inputs(self) -> tuple["Stage", ...]:
        """The stages whose files this stage reads."""

    @property
    @abc.abstractmethod
    def config(self) -> Mapping[str, Any]:
        """Settings and fingerprints that the files depend on as well; JSON-serialisable."""

    @abc.abstractmethod
    def make(self, folder: Path) -> None:
        """Writes the files to a folder, which keeps those of an interrupted run."""

    @property
    def code(self) -> tuple[str, ...]:
        """Modules whose code, with the modules that they import, is part of the key."""
        return (type(self).__module__,)

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) of name, input keys, config and code."""
        return hashlib.sha256(json.dumps(self._parts, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _parts(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "inputs": [f"{stage.name} {stage.key}" for stage in self.inputs],
            "config": dict(self.config),
            "code": code_fingerprint(self.code),
        }

    @property
    def is_kept(self) -> bool:
        """Whether the files of an earlier run are there, to be reused."""
        return self._work.is_finished(self._work.folder(self.name, self.key))

    @cached_property
    def folder(self) -> Path:
        """The folder of the stage's files, which are made first if they are missing."""
        folder = self._work.folder(self.name, self.key)
        if not self._work.is_finished(folder):
            with self._work.locked(folder):
                self._finish(folder)
        return folder

    def _finish(self, folder: Path) -> None:
        """Makes the files, unless another process has made them meanwhile."""
        if self._work.is_finished(folder):
            return
        logger.info("=== %s ===", self.name)
        with self._work.making(folder) as unfinished:
            self.make(unfinished)
            text = json.dumps(self._parts, indent=1, sort_keys=True)
            (unfinished / KEY_FILE).write_text(text, encoding="utf-8")
