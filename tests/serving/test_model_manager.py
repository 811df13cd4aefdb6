"""Labels are checked before anything loads; the summary names what is served."""

import pytest
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from fitrank_tf.errors import FitRankError
from serving.model_config import read_model_configs
from serving.model_manager import ModelManager


def test_summary_names_models_with_versions(bundle):
    manager = ModelManager(read_model_configs(bundle / "models.config"))
    assert manager.summary() == "affine (7), search (1, 2)"


def test_label_on_a_version_that_is_not_loaded_is_an_error(bundle):
    config = ModelConfig(name="search", base_path=str(bundle / "search"))
    # Version 1 exists, but the default policy loads only the latest.
    config.version_labels["stable"] = 1
    with pytest.raises(
        FitRankError, match=r"label 'stable' points at version 1, which is not"
    ):
        ModelManager([config])
