"""Loading a version's directory into a servable that is ready for requests."""

from dataclasses import dataclass, field
from pathlib import Path

from serving.batching.batch_scheduler import BatchScheduler
from serving.batching.batches import BatchedServable, LoadedServable
from serving.batching.parameters import BatchingParameters
from serving.models.servable import Servable, SessionOptions
from serving.models.warmup import WarmupOptions, warm_up


@dataclass(frozen=True)
class LoaderOptions:
    """How versions are loaded.

    Attributes:
        session: TensorFlow's numbers of threads.
        warmup: whether and how often warm-up requests are run.
        batching: how calls are merged into batches; None runs each call alone.
    """

    session: SessionOptions = field(default_factory=SessionOptions)
    warmup: WarmupOptions = field(default_factory=WarmupOptions)
    batching: BatchingParameters | None = None


class ServableLoader:
    """Loads and warms up versions of all models; owns the threads that run batches."""

    def __init__(self, options: LoaderOptions) -> None:
        self._options = options
        self._scheduler = None
        if options.batching is not None:
            self._scheduler = BatchScheduler(options.batching)

    def load(self, name: str, version: int, directory: Path) -> LoadedServable:
        """Loads a version and runs its warm-up requests.

        Args:
            name: the model's name in the configuration.
            version: the version's number.
            directory: the version's directory.

        Raises:
            FitRankError: the directory holds no complete SavedModel, the model needs an
                op that this process lacks, or a warm-up request fails.
        """
        plain = Servable(name, version, directory, self._options.session)
        servable: LoadedServable = plain
        if self._scheduler is not None:
            servable = BatchedServable(plain, self._scheduler)
        warm_up(servable, directory, self._options.warmup)
        return servable

    def close(self) -> None:
        """Ends the threads that run batches, after the batches in progress."""
        if self._scheduler is not None:
            self._scheduler.close()
