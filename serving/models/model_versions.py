"""The versions of one model, from the directories that appear to those that went."""

import logging
import os
import time
import weakref
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from fitrank_tf.core.errors import FitRankError
from serving.models.model_config import select_versions, wanted_versions
from serving.models.servable_loader import LoadedServable, ServableLoader
from serving.models.version_status import (
    ModelEvent,
    ModelListener,
    VersionState,
    VersionStatus,
    error_code_of,
)

# Unloaded and failed versions that `statuses` still tells of.
_KEPT_ENDED = 16

# Path -> size and time of change, of every file of a version.
_Files = Mapping[str, tuple[int, int]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class VersionOptions:
    """When versions are loaded again, and when the last one goes.

    Attributes:
        max_num_load_retries: further tries of a version that cannot be loaded.
        load_retry_interval_micros: pause before each of them, in microseconds.
        servable_versions_always_present: keep serving where no version directory is
            left. Ours is true, since no model starts without one; TF-Serving's is false.

    Raises:
        FitRankError: a number is negative.
    """

    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    servable_versions_always_present: bool = True

    def __post_init__(self) -> None:
        for name in ("max_num_load_retries", "load_retry_interval_micros"):
            if getattr(self, name) < 0:
                raise FitRankError(f"--{name}={getattr(self, name)}: give 0 or more")


@dataclass(frozen=True)
class Serving:
    """What one request sees of a model: never changed, only replaced as a whole.

    Attributes:
        versions: version -> servable, lowest version first.
        labels: label -> version; one that is not in `versions` is not served.
    """

    versions: Mapping[int, LoadedServable] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    latest: LoadedServable | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.versions:
            object.__setattr__(self, "latest", self.versions[max(self.versions)])


@dataclass(frozen=True)
class _Record:
    """What is known of a version beyond its servable.

    Attributes:
        status: the state that it was last put into.
        unloaded: dead as soon as no request uses the unloaded servable.
        tries: how often in a row it could not be loaded.
        next_try: not before, on the monotonic clock in seconds.
        failed_files: its files when the last load failed.
        seen_files: its files at the last look, if they differ from those.
    """

    status: VersionStatus
    unloaded: weakref.ref | None = None
    tries: int = 0
    next_try: float = 0.0
    failed_files: _Files = field(default_factory=dict)
    seen_files: _Files = field(default_factory=dict)


class ModelVersions:
    """Loads, serves and unloads the versions that a model's policy asks for.

    One thread at a time may change it; any number may read `serving` and `statuses`,
    which are replaced as a whole, so that readers need no lock.

    Attributes:
        config: the model's name, base path and policy.
        serving: what requests are answered from.
    """

    def __init__(
        self,
        config: ModelConfig,
        loader: ServableLoader,
        options: VersionOptions,
        listener: ModelListener,
    ) -> None:
        self.config = config
        self.serving = Serving()
        self._loader = loader
        self._options = options
        self._listener = listener
        self._records: Mapping[int, _Record] = {}
        self._told = ""

    def load_all(self) -> None:
        """Loads every version that the policy asks for, for the first time.

        Raises:
            FitRankError: there is none, or one is missing or cannot be loaded.
        """
        for version, directory in select_versions(self.config).items():
            self._load(version, directory)

    def configure(self, config: ModelConfig, labels: Mapping[str, int]) -> None:
        """Takes another policy, for the next `poll`, and labels, which count at once."""
        self.config = config
        self.serving = replace(self.serving, labels=dict(labels))

    def poll(self) -> None:
        """Looks at the file system: loads what is new, then unloads what has to go.

        The order is that of TF-Serving's AvailabilityPreservingPolicy: as long as no
        version that is asked for can be loaded, the newest of the others stays.
        """
        wanted = self._look()
        if wanted is None:
            return
        due = [version for version in wanted if self._is_due(version, wanted[version])]
        for version in due:
            self._put(version, VersionState.START)
        for version in sorted(due, reverse=True):
            self._try_to_load(version, wanted[version])
        self._unload(self._dispensable(wanted))
        self._forget(wanted)

    def unload_all(self) -> None:
        """Unloads every version; requests in work finish with theirs."""
        self._unload(list(self.serving.versions))

    def retire(self) -> bool:
        """Ends the versions that no request uses any more; says whether there were any."""
        ended = [r.status.version for r in self._records.values() if _is_unused(r)]
        for version in ended:
            self._record(_Record(VersionStatus(version, VersionState.END)))
        return bool(ended)

    def statuses(self) -> list[VersionStatus]:
        """The state of each known version, lowest version first."""
        records = self._records
        return [_status_now(records[version]) for version in sorted(records)]

    def _look(self) -> dict[int, Path] | None:
        """Version -> directory of those to serve; None leaves everything as it is."""
        try:
            wanted = wanted_versions(self.config)
        except OSError as error:
            self._tell(f"cannot be looked at ({error}): what is loaded stays")
            return None
        if not wanted and self._options.servable_versions_always_present:
            self._tell(f"no version under {self.config.base_path}: what is loaded stays")
            return None
        return wanted

    def _tell(self, message: str) -> None:
        # Once, not with every look: a missing directory may stay so for days.
        if message != self._told:
            logger.warning("model '%s': %s", self.config.name, message)
            self._told = message

    def _is_due(self, version: int, directory: Path) -> bool:
        record = self._records.get(version)
        if version in self.serving.versions:
            return False
        if record is None or not record.status.error_code:
            return True
        files = _files_of(directory)
        if files == record.failed_files:
            retries_left = record.tries <= self._options.max_num_load_retries
            return retries_left and time.monotonic() >= record.next_try
        # Another look has to find the same files: a copy that goes on is not whole yet.
        self._records = {**self._records, version: replace(record, seen_files=files)}
        return files == record.seen_files

    def _try_to_load(self, version: int, directory: Path) -> None:
        try:
            self._load(version, directory)
        except Exception as error:
            # Whatever it was, the other versions and models go on.
            logger.error(
                "version %d of %s: not loaded: %s", version, self.config.name, error
            )

    def _load(self, version: int, directory: Path) -> None:
        self._put(version, VersionState.LOADING)
        # Before the load, so that what changes meanwhile counts as a change.
        files = _files_of(directory)
        started = time.monotonic()
        try:
            servable = self._loader.load(self.config.name, version, directory)
        except Exception as error:
            self._fail(version, error, files, time.monotonic() - started)
            raise
        versions = {**self.serving.versions, version: servable}
        self.serving = replace(self.serving, versions=dict(sorted(versions.items())))
        status = VersionStatus(version, VersionState.AVAILABLE)
        self._record(_Record(status), time.monotonic() - started)

    def _fail(self, version: int, error: Exception, files: _Files, seconds: float) -> None:
        before = self._records[version]
        known = files == before.failed_files
        status = VersionStatus(
            version, VersionState.END, error_code_of(error), str(error) or repr(error)
        )
        pause = self._options.load_retry_interval_micros / 1e6
        record = _Record(
            status,
            tries=before.tries + 1 if known else 1,
            next_try=time.monotonic() + pause,
            failed_files=files,
        )
        self._record(record, seconds)

    def _dispensable(self, wanted: Collection[int]) -> list[int]:
        """The loaded versions that may go without leaving the model without one."""
        others = [version for version in self.serving.versions if version not in wanted]
        if wanted and len(others) == len(self.serving.versions):
            return others[:-1]
        return others

    def _unload(self, versions: Collection[int]) -> None:
        served = self.serving.versions
        references = {version: weakref.ref(served[version]) for version in versions}
        kept = {v: servable for v, servable in served.items() if v not in versions}
        self.serving = replace(self.serving, versions=kept)
        for version, reference in references.items():
            logger.info("unloading version %d of %s", version, self.config.name)
            status = VersionStatus(version, VersionState.UNLOADING)
            self._record(_Record(status, unloaded=reference))

    def _forget(self, wanted: Collection[int]) -> None:
        """Drops the oldest of the versions that ended and are not asked for."""
        ended = [
            version
            for version in sorted(self._records)
            if version not in self.serving.versions and version not in wanted
        ]
        for version in ended[:-_KEPT_ENDED]:
            self._records = {v: r for v, r in self._records.items() if v != version}

    def _put(self, version: int, state: VersionState) -> None:
        """Changes the state, and keeps what is known of failed loads."""
        status = VersionStatus(version, state)
        known = self._records.get(version, _Record(status))
        self._record(replace(known, status=status, unloaded=None))

    def _record(self, record: _Record, seconds: float = 0.0) -> None:
        self._records = {**self._records, record.status.version: record}
        self._listener(ModelEvent(self.config.name, record.status, seconds))


def _status_now(record: _Record) -> VersionStatus:
    if _is_unused(record):
        return replace(record.status, state=VersionState.END)
    return record.status


def _is_unused(record: _Record) -> bool:
    return record.unloaded is not None and record.unloaded() is None


def _files_of(directory: Path) -> _Files:
    """Path -> size in bytes and time of change in ns; {} where there is nothing."""
    files: dict[str, tuple[int, int]] = {}
    for parent, _, names in os.walk(directory):
        for name in names:
            path = Path(parent, name)
            try:
                state = path.stat()
            except OSError:
                # Gone since it was listed: the next look will differ.
                continue
            files[str(path)] = (state.st_size, state.st_mtime_ns)
    return files
