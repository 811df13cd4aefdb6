"""`--model_config_file_poll_wait_seconds`: applying changes of the model configuration."""

import logging
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from serving.models.model_config import read_model_configs
from serving.models.model_manager import ModelManager
from serving.process.periodic_thread import PeriodicThread
from serving.status import StatusError

logger = logging.getLogger(__name__)


class ModelConfigWatcher:
    """Reloads a manager when its configuration file changes.

    A file that cannot be applied leaves the models unchanged. It is logged once and tried
    again at each poll, because a label may wait for its version.
    """

    def __init__(self, manager: ModelManager, path: Path, seconds: float) -> None:
        """Starts polling the file; the first poll applies it in any case.

        Args:
            manager: the manager to reload.
            path: a `ModelServerConfig` as a text proto.
            seconds: pause between two polls; 0 or less disables polling.
        """
        self._manager = manager
        self._path = path
        # Not the present content: the file may have changed while the manager started.
        self._applied: bytes | None = None
        self._last_logged = ""
        self._thread = None
        if seconds > 0:
            self._thread = PeriodicThread("model-config-watcher", self.poll, seconds)

    def poll(self) -> None:
        """Reads the file once, and applies it if it changed."""
        content = _content(self._path)
        if content == self._applied:
            return
        try:
            self._manager.reload(read_model_configs(self._path))
        except (FitRankError, StatusError) as error:
            self._log_once(str(error))
            return
        self._applied, self._last_logged = content, ""

    def stop(self) -> None:
        """Stops polling."""
        if self._thread is not None:
            self._thread.stop()

    def _log_once(self, message: str) -> None:
        if message != self._last_logged:
            logger.error("the models stay as they are: %s", message)
            self._last_logged = message


def _content(path: Path) -> bytes:
    """The file's bytes; empty if unreadable, which `read_model_configs` then reports."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
