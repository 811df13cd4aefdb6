"""The models that a server holds, found by a request's `ModelSpec`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import grpc
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from fitrank_tf.errors import FitRankError
from serving.model_config import select_versions
from serving.servable import Servable
from serving.status import StatusError


class RequestWithModelSpec(Protocol):
    """Any of TF-Serving's request messages."""

    model_spec: ModelSpec

    def HasField(self, field: str) -> bool:  # noqa: N802  protobuf's name
        """Whether a message field is set."""


@dataclass(frozen=True)
class Model:
    """The loaded versions of one model.

    Attributes:
        versions: version -> servable, lowest version first, at least one.
        labels: label -> version, each of a version that is loaded.
    """

    versions: Mapping[int, Servable]
    labels: Mapping[str, int]

    @property
    def latest(self) -> Servable:
        """The servable that a request without a version gets."""
        return self.versions[max(self.versions)]


class ModelManager:
    """Loads models and finds the one that a request names."""

    def __init__(self, configs: Iterable[ModelConfig]) -> None:
        """Loads every model of `configs`.

        Raises:
            FitRankError: a model has no version, a broken one, or a label on a version
                that is not loaded.
        """
        self._models = {config.name: _load(config) for config in configs}

    def find(self, request: RequestWithModelSpec) -> Servable:
        """The servable that the request's `model_spec` names.

        Raises:
            StatusError: it names none (INVALID_ARGUMENT), or one that is not served
                (NOT_FOUND; INVALID_ARGUMENT for a label, as TF-Serving has it).
        """
        spec = model_spec_of(request)
        if not spec.name:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT, "ModelSpec has no name specified."
            )
        choice = spec.WhichOneof("version_choice")
        if choice == "version_label":
            return self._find_label(spec.name, spec.version_label)
        if choice == "version":
            return self._find_version(spec.name, spec.version.value)
        if spec.name not in self._models:
            raise _servable_not_found(f"Latest({spec.name})")
        return self._models[spec.name].latest

    def versions(self, name: str) -> list[int]:
        """The loaded versions of a model, lowest first; none if it is not served."""
        return list(self._models[name].versions) if name in self._models else []

    def summary(self) -> str:
        """The models with their versions, as `query_encoder (1), search (1, 2)`."""
        return ", ".join(
            f"{name} ({', '.join(map(str, self.versions(name)))})"
            for name in sorted(self._models)
        )

    def _find_version(self, name: str, version: int) -> Servable:
        if version not in self.versions(name):
            raise _servable_not_found(f"Specific({name}, {version})")
        return self._models[name].versions[version]

    def _find_label(self, name: str, label: str) -> Servable:
        if name not in self._models or label not in self._models[name].labels:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Unrecognized servable version label: {label}",
            )
        return self._find_version(name, self._models[name].labels[label])


def model_spec_of(request: RequestWithModelSpec) -> ModelSpec:
    """The request's `model_spec`, or INVALID_ARGUMENT where it has none."""
    if not request.HasField("model_spec"):
        raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec")
    return request.model_spec


def _load(config: ModelConfig) -> Model:
    directories = select_versions(config)
    labels = dict(config.version_labels)
    for label, version in labels.items():
        # Checked before loading: a wrong label should not cost a minute of it.
        if version not in directories:
            raise FitRankError(
                f"model '{config.name}': label '{label}' points at version {version}, "
                f"which is not loaded (loaded: {list(directories)}): correct "
                "version_labels or model_version_policy"
            )
    return Model(
        versions={
            version: Servable(config.name, version, directory)
            for version, directory in directories.items()
        },
        labels=labels,
    )


def _servable_not_found(request: str) -> StatusError:
    return StatusError(
        grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {request}"
    )
