"""`models.config`: the models to serve, their versions and labels.

The format is TF-Serving's `ModelServerConfig` as a text proto, so one file configures
both this server and a stock `tensorflow_model_server`.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from fitrank_tf.core.errors import FitRankError
from serving.process.text_proto import read_text_proto

VersionPolicy = FileSystemStoragePathSourceConfig.ServableVersionPolicy

PLATFORM = "tensorflow"
_MAX_VERSION = 2**63 - 1

logger = logging.getLogger(__name__)


def read_model_configs(path: Path) -> list[ModelConfig]:
    """Reads and checks the models of a configuration file.

    Raises:
        FitRankError: the file cannot be read, is not a `ModelServerConfig`, or has a
            model without a name, base path or supported platform.
    """
    config = read_text_proto(path, ModelServerConfig(), "--model_config_file")
    models = list(config.model_config_list.config)
    if not models:
        raise FitRankError(
            f"{path}: no model: add model_config_list {{ config {{ ... }} }}"
        )
    check_model_configs(models, str(path))
    return models


def single_model_config(name: str, base_path: str) -> ModelConfig:
    """The configuration of a model given by `--model_name` and `--model_base_path`."""
    return ModelConfig(name=name, base_path=base_path, model_platform=PLATFORM)


def select_versions(config: ModelConfig) -> dict[int, Path]:
    """The versions under a model's base path that its version policy selects.

    Returns:
        Version -> directory, lowest version first; never empty.

    Raises:
        FitRankError: there is no version, or one that the policy names is missing.
    """
    available = _version_directories(Path(config.base_path))
    if not available:
        raise FitRankError(
            f"model '{config.name}': no version directory (a number, as 1) under "
            f"{Path(config.base_path).absolute()}: run `make train`, or correct its "
            "base_path"
        )
    wanted = _wanted_versions(config, list(available))
    missing = [version for version in wanted if version not in available]
    if missing or not wanted:
        raise FitRankError(
            f"model '{config.name}': no version {missing} under {config.base_path}, which "
            f"has {list(available)}: correct model_version_policy.specific"
        )
    return {version: available[version] for version in wanted}


def wanted_versions(config: ModelConfig) -> dict[int, Path]:
    """As `select_versions`, but without the versions that are missing.

    Returns:
        Version -> directory, lowest version first; may be empty.

    Raises:
        OSError: the base path is missing or cannot be read.
    """
    base_path = Path(config.base_path)
    if not base_path.is_dir():
        raise NotADirectoryError(f"no directory {base_path}")
    available = _version_directories(base_path)
    wanted = _wanted_versions(config, list(available))
    return {version: available[version] for version in wanted if version in available}


def check_model_configs(models: Sequence[ModelConfig], source: str) -> None:
    """Checks names, base paths and platforms of models.

    Args:
        models: the configurations.
        source: where they come from, for error messages.

    Raises:
        FitRankError: a model has no name, no base path or another platform than
            TensorFlow, or two models have the same name.
    """
    counts = Counter(model.name for model in models)
    for model in models:
        if not model.name or not model.base_path:
            raise FitRankError(
                f"{source}: a config without name or base_path: give it both"
            )
        if counts[model.name] > 1:
            raise FitRankError(f"{source}: model '{model.name}' appears twice: remove one")
        if model.model_platform != PLATFORM:
            raise FitRankError(
                f"{source}: model '{model.name}' has model_platform "
                f"'{model.model_platform}': write \"{PLATFORM}\""
            )


def _version_directories(base_path: Path) -> dict[int, Path]:
    """Version -> directory; skips other names, such as `.tmp-2` of an export."""
    found: dict[int, Path] = {}
    if not base_path.is_dir():
        return found
    for child in sorted(base_path.iterdir()):
        # int() alone would also accept "1_0", " 1" and the digits of other scripts.
        if not (child.name.isascii() and child.name.isdigit() and child.is_dir()):
            continue
        version = int(child.name)
        if version > _MAX_VERSION:
            continue
        if version in found:
            logger.warning("%s: ignored, %s is the same version", child, found[version])
            continue
        found[version] = child
    return dict(sorted(found.items()))


def _wanted_versions(config: ModelConfig, available: list[int]) -> list[int]:
    policy = config.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return available
    if choice == "specific":
        return sorted(set(policy.specific.versions))
    return available[-max(1, policy.latest.num_versions) :]
