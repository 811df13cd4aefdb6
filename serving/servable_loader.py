"""From a version's directory to a servable that is ready for requests."""

from dataclasses import dataclass, field
from pathlib import Path

from serving.servable import Servable, SessionOptions
from serving.warmup import WarmupOptions, warm_up


@dataclass(frozen=True)
class LoaderOptions:
    """How versions are loaded.

    Attributes:
        session: threads of TensorFlow.
        warmup: whether and how often warm-up requests are answered.
    """

    session: SessionOptions = field(default_factory=SessionOptions)
    warmup: WarmupOptions = field(default_factory=WarmupOptions)


class ServableLoader:
    """Loads versions, all in the same way."""

    def __init__(self, options: LoaderOptions) -> None:
        self._options = options

    def load(self, name: str, version: int, directory: Path) -> Servable:
        """Loads a version, and warms it up.

        Raises:
            FitRankError: the directory is no whole SavedModel, needs an op that this
                process does not have, or has a warm-up request that cannot be answered.
        """
        servable = Servable(name, version, directory, self._options.session)
        warm_up(servable, directory, self._options.warmup)
        return servable
