"""From a version's directory to a servable that is ready for requests."""

from dataclasses import dataclass, field
from pathlib import Path

from serving.batching.batch_scheduler import BatchScheduler
from serving.batching.batches import BatchedServable
from serving.batching.parameters import BatchingParameters
from serving.models.servable import Servable, SessionOptions
from serving.models.warmup import WarmupOptions, warm_up

LoadedServable = Servable | BatchedServable


@dataclass(frozen=True)
class LoaderOptions:
    """How versions are loaded.

    Attributes:
        session: threads of TensorFlow.
        warmup: whether and how often warm-up requests are answered.
        batching: how calls are merged; None runs each by itself.
    """

    session: SessionOptions = field(default_factory=SessionOptions)
    warmup: WarmupOptions = field(default_factory=WarmupOptions)
    batching: BatchingParameters | None = None


class ServableLoader:
    """Loads versions, all in the same way."""

    def __init__(self, options: LoaderOptions) -> None:
        self._options = options
        self._scheduler = None
        if options.batching is not None:
            self._scheduler = BatchScheduler(options.batching)

    def load(self, name: str, version: int, directory: Path) -> LoadedServable:
        """Loads a version, and warms it up.

        Raises:
            FitRankError: the directory is no whole SavedModel, needs an op that this
                process does not have, or has a warm-up request that cannot be answered.
        """
        servable = Servable(name, version, directory, self._options.session)
        if self._scheduler is not None:
            servable = BatchedServable(servable, self._scheduler)
        warm_up(servable, directory, self._options.warmup)
        return servable

    def close(self) -> None:
        """Ends the threads that run batches, once those in work have ended."""
        if self._scheduler is not None:
            self._scheduler.close()
