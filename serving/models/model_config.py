"""`models.config`: which models, which versions, which labels.

The format is TF-Serving's `ModelServerConfig` as a text proto, so that one file
drives both this server and a stock `tensorflow_model_server`.
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
        FitRankError: the file is missing, is no `ModelServerConfig`, or names a model
            that cannot be served.
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
    """The configuration that `--model_name` and `--model_base_path` stand for."""
    return ModelConfig(name=name, base_path=base_path, model_platform=PLATFORM)


def select_versions(config: ModelConfig) -> dict[int, Path]:
    """The versions under a model's base path that its policy asks for.

    Returns:
        Version -> directory, lowest version first; never empty.

    Raises:
        FitRankError: there is no version, or one that is asked for by number is missing.
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
    """Those versions under a model's base path, if any, that its policy asks for.

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
    """Checks that each model can be told from the others and be looked for.

    Raises:
        FitRankError: one has no name, no base path or another platform, or two have
            the same name. The message begins with `source`.
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
    """Version -> directory. Other names, such as `.tmp-2` of an export, are no versions."""
    found: dict[int, Path] = {}
    if not base_path.is_dir():
        return found
    for child in sorted(base_path.iterdir()):
        # Not int() alone: it also takes "1_0", " 1" and the digits of other scripts.
        if not (child.name.isascii() and child.name.isdigit() and child.is_dir()):
            continue
        version = int(child.name)
        if version > _MAX_VERSION:
            continue
        if version in found:
            logger.warning("%s: ignored, for %s is that version", child, found[version])
            continue
        found[version] = child
    return dict(sorted(found.items()))


def _wanted_versions(config: ModelConfig, available: list[int]) -> list[int]:
    policy: VersionPolicy = config.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return available
    if choice == "specific":
        return sorted(set(policy.specific.versions))
    return available[-max(1, policy.latest.num_versions) :]
