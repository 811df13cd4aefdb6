"""From a version's directory to a servable that is ready for requests."""

from dataclasses import dataclass, field
from pathlib import Path

from serving.servable import Servable, SessionOptions


@dataclass(frozen=True)
class LoaderOptions:
    """How versions are loaded.

    Attributes:
        session: threads of TensorFlow.
    """

    session: SessionOptions = field(default_factory=SessionOptions)


class ServableLoader:
    """Loads versions, all in the same way."""

    def __init__(self, options: LoaderOptions) -> None:
        self._options = options

    def load(self, name: str, version: int, directory: Path) -> Servable:
        """Loads a version.

        Raises:
            FitRankError: the directory is no whole SavedModel, or needs an op that
                this process does not have.
        """
        return Servable(name, version, directory, self._options.session)
