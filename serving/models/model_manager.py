"""The served models: looked up by requests, kept in step with the file system."""

import gc
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from fitrank_tf.core.errors import FitRankError
from serving.batching.batches import LoadedServable
from serving.models.model_config import check_model_configs, select_versions
from serving.models.model_versions import ModelVersions, VersionOptions
from serving.models.servable_loader import LoaderOptions, ServableLoader
from serving.models.version_status import ModelEvent, ModelListener, VersionStatus
from serving.process.periodic_thread import PeriodicThread
from serving.status import StatusError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ManagerOptions:
    """How models are loaded and updated; names and defaults of TF-Serving's flags.

    Attributes:
        loader: how a version is loaded.
        versions: retries of failed loads, and when the last version is unloaded.
        file_system_poll_wait_seconds: pause between two polls for new versions; with 0
            or less only the start and each `reload` look for versions.
        allow_version_labels_for_unavailable_models: whether a new label may be assigned
            to a version that is not loaded.
    """

    loader: LoaderOptions = field(default_factory=LoaderOptions)
    versions: VersionOptions = field(default_factory=VersionOptions)
    file_system_poll_wait_seconds: float = 1.0
    allow_version_labels_for_unavailable_models: bool = False


def _ignore(event: ModelEvent) -> None:
    """The default listener, which does nothing."""


class ModelManager:
    """Loads models, looks up the one that a request names, and polls for new versions.

    `find` takes no lock, because the mappings that it reads are replaced, never modified.
    """

    def __init__(
        self,
        configs: Iterable[ModelConfig],
        options: ManagerOptions = ManagerOptions(),
        listener: ModelListener = _ignore,
    ) -> None:
        """Loads every model of `configs`, and starts polling for new versions.

        Args:
            configs: the models to serve.
            options: how to load and update them.
            listener: called with each change of a version's state.

        Raises:
            FitRankError: a model has no version, one that cannot be loaded, or a label
                for a version that is not loaded.
        """
        self._options = options
        self._listener = listener
        self._loader = ServableLoader(options.loader)
        self._changes = threading.Lock()
        self._models: Mapping[str, ModelVersions] = {
            config.name: self._start(config) for config in configs
        }
        # Models no longer served, and new ones that failed to load; kept for `statuses`.
        self._dropped: Mapping[str, ModelVersions] = {}
        self._watcher = self._watch()

    def find(self, spec: ModelSpec | None) -> LoadedServable:
        """The servable that a request's `model_spec` names; None if it has no spec.

        It stays usable while it is referenced, even after its version was replaced.

        Raises:
            StatusError: no model is named, or a label is unknown (INVALID_ARGUMENT, as
                in TF-Serving); the model or version is not served (NOT_FOUND).
        """
        if spec is None:
            raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec")
        if not spec.name:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT, "ModelSpec has no name specified."
            )
        choice = spec.WhichOneof("version_choice")
        if choice == "version_label":
            return self._find_label(spec.name, spec.version_label)
        if choice == "version":
            return self._find_version(spec.name, spec.version.value)
        model = self._models.get(spec.name)
        latest = model.serving.latest if model else None
        if latest is None:
            raise _servable_not_found(f"Latest({spec.name})")
        return latest

    def versions(self, name: str) -> list[int]:
        """The loaded versions of a model, lowest first; empty if it is not served."""
        model = self._models.get(name)
        return list(model.serving.versions) if model else []

    def statuses(self, name: str) -> list[VersionStatus]:
        """The states of a model's versions, lowest first; empty if it was never served."""
        model = self._models.get(name) or self._dropped.get(name)
        return model.statuses() if model else []

    def summary(self) -> str:
        """All models with their versions, such as `query_encoder (1), search (1, 2)`."""
        models = self._models
        return ", ".join(
            f"{name} ({', '.join(map(str, models[name].serving.versions))})"
            for name in sorted(models)
        )

    def poll(self) -> None:
        """Loads new versions and unloads old ones, once; failed loads are only logged."""
        with self._changes:
            for model in self._models.values():
                model.poll()
            self._collect()

    def reload(self, configs: Iterable[ModelConfig]) -> None:
        """Replaces the configuration, as `HandleReloadConfigRequest` does.

        New models are loaded first. Only if all of them load, models that are not in
        `configs` are unloaded, and the others get their new policies and labels. If a
        new version of these cannot be loaded, `statuses` reports it; that is no error.

        Args:
            configs: all models to serve from now on.

        Raises:
            StatusError: the configuration is invalid (INVALID_ARGUMENT), has a label for a
                version that is not loaded (FAILED_PRECONDITION), or a new model that
                cannot be loaded (UNKNOWN). Nothing has changed then.
        """
        wanted = {config.name: config for config in _checked(list(configs))}
        with self._changes:
            labels = {name: self._labels(config) for name, config in wanted.items()}
            old = self._models
            new = self._load_new([wanted[name] for name in wanted if name not in old])
            models = {name: old.get(name) or new[name] for name in wanted}
            for name, config in wanted.items():
                models[name].configure(config, labels[name])
            self._models = models
            self._drop({name: old[name] for name in old.keys() - models.keys()})
            for name in wanted.keys() & old.keys():
                models[name].poll()
            self._collect()
        logger.info("the configuration is now: %s", self.summary())

    def close(self) -> None:
        """Stops polling and unloads all models."""
        if self._watcher is not None:
            self._watcher.stop()
        with self._changes:
            models, self._models = self._models, {}
            for model in models.values():
                model.unload_all()
            self._loader.close()

    def _watch(self) -> PeriodicThread | None:
        seconds = self._options.file_system_poll_wait_seconds
        if seconds <= 0:
            return None
        return PeriodicThread("version-watcher", self.poll, seconds)

    def _new(self, config: ModelConfig) -> ModelVersions:
        return ModelVersions(config, self._loader, self._options.versions, self._listener)

    def _start(self, config: ModelConfig) -> ModelVersions:
        labels = dict(config.version_labels)
        if not self._options.allow_version_labels_for_unavailable_models:
            # Before loading, which may take a minute that a wrong label would waste.
            _check_first_labels(config)
        model = self._new(config)
        model.configure(config, labels)
        model.load_all()
        return model

    def _load_new(self, configs: list[ModelConfig]) -> dict[str, ModelVersions]:
        models = {config.name: self._new(config) for config in configs}
        failures = []
        for name, model in models.items():
            try:
                model.load_all()
            except Exception as error:
                failures.append(f"{{{name} due to error: {error}}}")
        if failures:
            self._drop(models)
            raise StatusError(
                grpc.StatusCode.UNKNOWN,
                f"{len(failures)} model(s) did not become available: "
                f"{{{', '.join(failures)}}}",
            )
        return models

    def _drop(self, models: Mapping[str, ModelVersions]) -> None:
        for model in models.values():
            model.unload_all()
        self._dropped = {**self._dropped, **models}

    def _labels(self, config: ModelConfig) -> dict[str, int]:
        """The labels of a new configuration; raises FAILED_PRECONDITION if not loaded."""
        model = self._models.get(config.name)
        current = model.serving.labels if model else {}
        for label, version in config.version_labels.items():
            # As in TF-Serving the flag covers only labels that are not assigned yet.
            unassigned = current.get(label, version) == version
            allowed = self._options.allow_version_labels_for_unavailable_models
            if version not in self.versions(config.name) and not (allowed and unassigned):
                raise StatusError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"Request to assign label to version {version} of model "
                    f"{config.name}, which is not currently available for inference",
                )
        return dict(config.version_labels)

    def _find_version(self, name: str, version: int) -> LoadedServable:
        model = self._models.get(name)
        servable = model.serving.versions.get(version) if model else None
        if servable is None:
            raise _servable_not_found(f"Specific({name}, {version})")
        return servable

    def _find_label(self, name: str, label: str) -> LoadedServable:
        model = self._models.get(name)
        # Read once, so that label and version come from the same state.
        serving = model.serving if model else None
        if serving is None or label not in serving.labels:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Unrecognized servable version label: {label}",
            )
        version = serving.labels[label]
        if version not in serving.versions:
            raise _servable_not_found(f"Specific({name}, {version})")
        return serving.versions[version]

    def _collect(self) -> None:
        models = [*self._models.values(), *self._dropped.values()]
        retired = [model.retire() for model in models]
        if any(retired):
            # The last request freed the weights; TensorFlow's graph is in reference cycles.
            gc.collect()


def model_spec_of(request: Any) -> ModelSpec:
    """A message's `model_spec`; raises INVALID_ARGUMENT if it is not set."""
    if not request.HasField("model_spec"):
        raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec")
    spec: ModelSpec = request.model_spec
    return spec


def _checked(configs: list[ModelConfig]) -> list[ModelConfig]:
    try:
        check_model_configs(configs, "config")
    except FitRankError as error:
        raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from error
    return configs


def _check_first_labels(config: ModelConfig) -> None:
    versions = list(select_versions(config))
    for label, version in config.version_labels.items():
        if version not in versions:
            raise FitRankError(
                f"model '{config.name}': label '{label}' points at version {version}, "
                f"which is not loaded (loaded: {versions}): correct "
                "version_labels or model_version_policy"
            )


def _servable_not_found(request: str) -> StatusError:
    return StatusError(
        grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {request}"
    )
