"""A REST port with the toy models and a model of many dtypes, and functions to call it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from serving.models.model_config import read_model_configs, single_model_config
from tests.serving.toy_http import Reply, call


class Mixed(tf.Module):
    """Returns its input as text, bytes and numbers of several dtypes."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def mixed(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        length = tf.strings.length(text)
        return {
            "text": text,
            "raw_bytes": text,
            "length": tf.cast(length, tf.int64),
            "tenth": tf.cast(length, tf.float32) / 10,
            "empty": tf.equal(length, 0),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def scalar(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"count": tf.size(text)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float16, name="x")])
    def half(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x}


@pytest.fixture(scope="module")
def port(start_models, bundle: Path, example_model: Path, tmp_path_factory) -> int:
    mixed = Mixed()
    directory = tmp_path_factory.mktemp("mixed")
    tf.saved_model.save(
        mixed,
        str(directory / "1"),
        signatures={
            "serving_default": mixed.mixed,
            "scalar": mixed.scalar,
            "half": mixed.half,
        },
    )
    configs = read_model_configs(bundle / "models.config")
    configs.append(single_model_config("mixed", str(directory)))
    return start_models(*configs, example_model, rest_api_port=0).rest_api_port


@pytest.fixture(scope="module")
def post(port: int) -> Callable[..., Reply]:
    return lambda path, content: call(port, "POST", f"/v1/models/{path}", content)


@pytest.fixture(scope="module")
def get(port: int) -> Callable[..., Reply]:
    return lambda path: call(port, "GET", f"/v1/models/{path}")
