"""`--model_config_file_poll_wait_seconds`: the file of models, read again and again."""

import logging
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from serving.models.model_config import read_model_configs
from serving.models.model_manager import ModelManager
from serving.process.periodic_thread import PeriodicThread
from serving.status import StatusError

logger = logging.getLogger(__name__)


class ModelConfigWatcher:
    """Reloads a manager when its file changes.

    A file that cannot be read or served leaves the models as they are, is logged once,
    and is tried again: a label may wait for its version.
    """

    def __init__(self, manager: ModelManager, path: Path, seconds: float) -> None:
        """Begins to look at the file; the first look applies it in any case.

        Args:
            manager: what is reloaded.
            path: a `ModelServerConfig` as a text proto.
            seconds: pause between two looks; with 0 or less there is none.
        """
        self._manager = manager
        self._path = path
        # Not what it holds now: it may have changed while the manager started.
        self._applied: bytes | None = None
        self._told = ""
        self._thread = None
        if seconds > 0:
            self._thread = PeriodicThread("model-config-watcher", self.poll, seconds)

    def poll(self) -> None:
        """Looks once, and applies what changed."""
        content = _content(self._path)
        if content == self._applied:
            return
        try:
            self._manager.reload(read_model_configs(self._path))
        except (FitRankError, StatusError) as error:
            self._tell(str(error))
            return
        self._applied, self._told = content, ""

    def stop(self) -> None:
        """Ends the looks."""
        if self._thread is not None:
            self._thread.stop()

    def _tell(self, message: str) -> None:
        if message != self._told:
            logger.error("the models stay as they are: %s", message)
            self._told = message


def _content(path: Path) -> bytes:
    """The file; nothing where it cannot be read, which `read_model_configs` then names."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
