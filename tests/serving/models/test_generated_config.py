"""The local server reads the configuration files that an export writes."""

import pytest

from fitrank_tf.export.serving_config import (
    Labels,
    batching_config,
    models_config,
    monitoring_config,
    server_flags,
)
from fitrank_tf.export.warmup import BATCH_SIZES
from serving.batching.parameters import read_batching_parameters
from serving.models.model_config import read_model_configs
from serving.process.monitoring_config import DEFAULT_PATH, read_metrics_path
from serving.process.options import flag_parser


def test_models_with_both_versions_and_their_labels(tmp_path):
    labels = {"search": Labels(stable=3, canary=5), "reranker": Labels(2, 2)}
    (tmp_path / "models.config").write_text(models_config(labels, "/models/"))
    configs = {
        config.name: config for config in read_model_configs(tmp_path / "models.config")
    }
    assert configs["search"].base_path == "/models/search"
    policy = configs["search"].model_version_policy
    assert list(policy.specific.versions) == [3, 5]
    assert dict(configs["search"].version_labels) == {"stable": 3, "canary": 5}
    assert list(configs["reranker"].model_version_policy.specific.versions) == [2]


def test_batches_are_of_the_sizes_that_are_warmed_up(tmp_path):
    (tmp_path / "batching.config").write_text(batching_config(threads=3))
    parameters = read_batching_parameters(tmp_path / "batching.config")
    assert parameters.padded(5) == 5
    assert parameters.max_batch_size == BATCH_SIZES[-1]
    assert (parameters.num_batch_threads, parameters.batch_timeout_micros) == (3, 0)


def test_metrics_are_served_at_the_usual_path(tmp_path):
    (tmp_path / "monitoring.config").write_text(monitoring_config())
    assert read_metrics_path(tmp_path / "monitoring.config") == DEFAULT_PATH


@pytest.mark.parametrize("flag", server_flags("/models"))
def test_the_printed_flags_are_known(flag: str):
    name, value = flag.removeprefix("--").split("=")
    read = getattr(flag_parser().parse_args([flag]), name)
    assert str(read).lower() == value
