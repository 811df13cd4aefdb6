"""The files that tell TF-Serving what to serve and how.

All are text protos of `tensorflow_model_server`; the local server reads the same.
"""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.warmup import BATCH_SIZES

MODELS_FILE, BATCHING_FILE = "models.config", "batching.config"
MONITORING_FILE = "monitoring.config"
STABLE, CANARY = "stable", "canary"

_MONITORING = """prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""


@dataclasses.dataclass(frozen=True)
class Labels:
    """Which versions of a model are served, and as what.

    Attributes:
        stable: what clients get that ask for this label.
        canary: the version on trial; the same as `stable` where none is.
    """

    stable: int
    canary: int

    @property
    def on_trial(self) -> bool:
        """Whether the canary is another version than the stable one."""
        return self.canary != self.stable

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions to load, each once, oldest first."""
        return tuple(sorted({self.stable, self.canary}))


def models_config(labels: Mapping[str, Labels], base_path: str) -> str:
    """`--model_config_file`: the text of a `ModelServerConfig`.

    Args:
        labels: {model: its versions}.
        base_path: where the server finds the repository.
    """
    config = ModelServerConfig()
    for name in sorted(labels):
        model = config.model_config_list.config.add(
            name=name,
            base_path=f"{base_path.rstrip('/')}/{name}",
            model_platform="tensorflow",
        )
        # Not `latest`: a new version would unload the one that a label points at.
        model.model_version_policy.specific.versions.extend(labels[name].versions)
        model.version_labels[STABLE] = labels[name].stable
        model.version_labels[CANARY] = labels[name].canary
    return text_format.MessageToString(config)


def read_labels(path: Path) -> dict[str, Labels]:
    """Reads what `models_config` wrote; empty if there is no file.

    Raises:
        FitRankError: if it cannot be read, or lacks a label.
    """
    config = ModelServerConfig()
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), config)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise FitRankError(
            f"{path}: cannot be read ({error}): remove or mend it"
        ) from error
    return {model.name: _labels(model, path) for model in config.model_config_list.config}


def _labels(model: ModelConfig, path: Path) -> Labels:
    lacking = [label for label in (STABLE, CANARY) if label not in model.version_labels]
    if lacking:
        raise FitRankError(
            f"{path}: model '{model.name}' has no label '{lacking[0]}': add it to its "
            "version_labels"
        )
    return Labels(model.version_labels[STABLE], model.version_labels[CANARY])


def batching_config(threads: int = max(1, (os.cpu_count() or 1) // 2)) -> str:
    """`--batching_parameters_file`: the text of a `BatchingParameters`.

    The largest size is one that the warm-up records have. On a CPU waiting for a fuller
    batch costs more than it gains, so the timeout is 0, and so do rows that only fill a
    batch up to a size, so every size is allowed.

    Args:
        threads: batches worked on at once. Half the cores: one full batch costs less a
            query than two half ones, and its ops use the other cores.
    """
    return (
        f"max_batch_size {{ value: {BATCH_SIZES[-1]} }}\n"
        "batch_timeout_micros { value: 0 }\n"
        "max_enqueued_batches { value: 100 }\n"
        f"num_batch_threads {{ value: {threads} }}\n"
    )


def monitoring_config() -> str:
    """`--monitoring_config_file`: the text of a `MonitoringConfig`."""
    return _MONITORING


def server_flags(base_path: str) -> list[str]:
    """The flags of `tensorflow_model_server` that these files need."""
    base = base_path.rstrip("/")
    return [
        f"--model_config_file={base}/{MODELS_FILE}",
        "--model_config_file_poll_wait_seconds=10",
        # A label of the first start points at a version that is still loading.
        "--allow_version_labels_for_unavailable_models=true",
        "--enable_batching=true",
        f"--batching_parameters_file={base}/{BATCHING_FILE}",
        "--rest_api_port=8501",
        f"--monitoring_config_file={base}/{MONITORING_FILE}",
    ]
