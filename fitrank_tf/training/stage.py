"""One step of a training run, kept under a key of all that its result depends on."""

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
    """Makes files in a folder of its own, from those of other stages.

    A stage is made anew when its key changes: the keys of its inputs, its config, or the
    code of its module and of what that imports.

    Attributes:
        name: begins the name of the stage's folder.

    Args:
        work: where the folders of finished stages are.
    """

    name: ClassVar[str]

    def __init__(self, work: WorkDir):
        self._work = work

    @property
    @abc.abstractmethod
    def inputs(self) -> tuple["Stage", ...]:
        """The stages whose files it reads."""

    @property
    @abc.abstractmethod
    def config(self) -> Mapping[str, Any]:
        """What else its files depend on: settings and fingerprints, as JSON takes them."""

    @abc.abstractmethod
    def make(self, folder: Path) -> None:
        """Writes the stage's files. An interrupted stage finds its own there again."""

    @property
    def code(self) -> tuple[str, ...]:
        """The modules whose code makes the files; what they import counts with them."""
        return (type(self).__module__,)

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) of all that the files depend on."""
        return hashlib.sha256(json.dumps(self._parts, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _parts(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "inputs": [f"{stage.name} {stage.key}" for stage in self.inputs],
            "config": dict(self.config),
            "code": code_fingerprint(self.code),
        }

    @cached_property
    def folder(self) -> Path:
        """The folder of the stage's files, which are made if they are not there."""
        folder = self._work.folder(self.name, self.key)
        if not self._work.is_finished(folder):
            logger.info("=== %s ===", self.name)
            with self._work.making(folder) as unfinished:
                self.make(unfinished)
                text = json.dumps(self._parts, indent=1, sort_keys=True)
                (unfinished / KEY_FILE).write_text(text, encoding="utf-8")
        return folder
