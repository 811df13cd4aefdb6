"""The versions of one model: loading new ones, retrying, unloading old ones."""

import logging
import os
import time
import weakref
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from fitrank_tf.core.errors import FitRankError
from serving.batching.batches import LoadedServable
from serving.models.model_config import select_versions, wanted_versions
from serving.models.servable_loader import ServableLoader
from serving.models.version_status import (
    ModelEvent,
    ModelListener,
    VersionState,
    VersionStatus,
    error_code_of,
)

# The most unloaded and failed versions that `statuses` reports.
_KEPT_ENDED = 16

# Path -> (size in bytes, modification time in ns) of every file of a version.
_Files = Mapping[str, tuple[int, int]]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class VersionOptions:
    """Retries of failed loads, and when the last version is unloaded.

    Attributes:
        max_num_load_retries: retries of a version that cannot be loaded.
        load_retry_interval_micros: pause before each retry, in microseconds.
        servable_versions_always_present: whether loaded versions are kept when no version
            directory is left. True, unlike in TF-Serving, because an empty base path is
            an error at the start too.

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
class ServedVersions:
    """The served versions and labels of a model at one moment; never modified.

    Attributes:
        versions: version -> servable, lowest version first.
        labels: label -> version; a version that is not in `versions` is not served.
        latest: the servable of the highest version; None without a version.
    """

    versions: Mapping[int, LoadedServable] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    latest: LoadedServable | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.versions:
            object.__setattr__(self, "latest", self.versions[max(self.versions)])


@dataclass(frozen=True)
class _Record:
    """The state and load history of a version.

    Attributes:
        status: the last state.
        unloaded: reference to an unloaded servable, dead once no request uses it.
        tries: consecutive failed loads of the same files.
        next_try: the earliest time of the next retry, in monotonic seconds.
        failed_files: the version's files when the last load failed.
        seen_files: the version's files at the last poll, if they differ from those.
    """

    status: VersionStatus
    unloaded: weakref.ref[LoadedServable] | None = None
    tries: int = 0
    next_try: float = 0.0
    failed_files: _Files = field(default_factory=dict)
    seen_files: _Files = field(default_factory=dict)


class ModelVersions:
    """Loads, serves and unloads the versions that a model's policy selects.

    Only one thread at a time may modify it. Readers of `serving` and `statuses` need no
    lock, because both are replaced as a whole.

    Attributes:
        config: the model's name, base path and policy.
        serving: the versions and labels that requests use.
    """

    def __init__(
        self,
        config: ModelConfig,
        loader: ServableLoader,
        options: VersionOptions,
        listener: ModelListener,
    ) -> None:
        self.config = config
        self.serving = ServedVersions()
        self._loader = loader
        self._options = options
        self._listener = listener
        self._records: Mapping[int, _Record] = {}
        self._last_logged = ""

    def load_all(self) -> None:
        """Loads every version that the policy selects.

        Raises:
            FitRankError: there is no version, or one is missing or cannot be loaded.
        """
        for version, directory in select_versions(self.config).items():
            self._load(version, directory)

    def configure(self, config: ModelConfig, labels: Mapping[str, int]) -> None:
        """Replaces the policy, from the next `poll` on, and the labels, at once."""
        self.config = config
        self.serving = replace(self.serving, labels=dict(labels))

    def poll(self) -> None:
        """Reads the base path, loads new versions, then unloads those not selected.

        As in TF-Serving's AvailabilityPreservingPolicy the newest old version stays as
        long as no selected version can be loaded.
        """
        wanted = self._find_wanted()
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
        """Unloads every version; requests in progress still finish."""
        self._unload(list(self.serving.versions))

    def retire(self) -> bool:
        """Marks unloaded versions as ended once no request uses them.

        Returns:
            Whether there were any.
        """
        ended = [r.status.version for r in self._records.values() if _is_unused(r)]
        for version in ended:
            self._record(_Record(VersionStatus(version, VersionState.END)))
        return bool(ended)

    def statuses(self) -> list[VersionStatus]:
        """The state of each known version, lowest version first."""
        records = self._records
        return [_status_now(records[version]) for version in sorted(records)]

    def _find_wanted(self) -> dict[int, Path] | None:
        """Version -> directory of the selected versions; None to change nothing."""
        try:
            wanted = wanted_versions(self.config)
        except OSError as error:
            self._log_once(f"base path cannot be read ({error}): loaded versions stay")
            return None
        if not wanted and self._options.servable_versions_always_present:
            self._log_once(
                f"no version under {self.config.base_path}: loaded versions stay"
            )
            return None
        return wanted

    def _log_once(self, message: str) -> None:
        # Not at every poll: a directory may be missing for days.
        if message != self._last_logged:
            logger.warning("model '%s': %s", self.config.name, message)
            self._last_logged = message

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
        # The next poll has to find the same files: a copy may still be in progress.
        self._records = {**self._records, version: replace(record, seen_files=files)}
        return files == record.seen_files

    def _try_to_load(self, version: int, directory: Path) -> None:
        try:
            self._load(version, directory)
        except Exception as error:
            # Whatever the error, the other versions and models go on.
            logger.error(
                "version %d of %s: not loaded: %s", version, self.config.name, error
            )

    def _load(self, version: int, directory: Path) -> None:
        self._put(version, VersionState.LOADING)
        # Listed before the load, so that files changed meanwhile count as changed.
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
        """The loaded versions that can go without leaving the model without any."""
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
        """Forgets the oldest versions that have ended and are not selected."""
        ended = [
            version
            for version in sorted(self._records)
            if version not in self.serving.versions and version not in wanted
        ]
        for version in ended[:-_KEPT_ENDED]:
            self._records = {v: r for v, r in self._records.items() if v != version}

    def _put(self, version: int, state: VersionState) -> None:
        """Changes the state of a version, and keeps its history of failed loads."""
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
    """Path -> (size in bytes, modification time in ns); {} for a missing directory."""
    files: dict[str, tuple[int, int]] = {}
    for parent, _, names in os.walk(directory):
        for name in names:
            path = Path(parent, name)
            try:
                state = path.stat()
            except OSError:
                # Deleted since it was listed: the next poll will differ.
                continue
            files[str(path)] = (state.st_size, state.st_mtime_ns)
    return files
