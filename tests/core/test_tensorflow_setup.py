"""TensorFlow's environment variables are set, but never changed."""

import os

from fitrank_tf.core.tensorflow_setup import prepare_tensorflow

SETTINGS = {
    "TF_USE_LEGACY_KERAS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "1",
}


def test_missing_variables_are_set(monkeypatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    prepare_tensorflow()
    assert {name: os.environ[name] for name in SETTINGS} == SETTINGS


def test_existing_variables_are_unchanged(monkeypatch) -> None:
    for name in SETTINGS:
        monkeypatch.setenv(name, "0")
    prepare_tensorflow()
    assert {os.environ[name] for name in SETTINGS} == {"0"}
