"""Environment variables that TensorFlow reads when it is imported."""

import os

LEGACY_KERAS = "TF_USE_LEGACY_KERAS"
_SETTINGS = {
    # TF-Ranking and KerasCV use `tf.keras`, which has to be Keras 2.
    LEGACY_KERAS: "1",
    # Keeps TensorFlow's start-up notes out of the output; some are of level E, e.g. that
    # there is no GPU.
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Turns oneDNN's matrix products on where TensorFlow leaves them off (CPUs without
    # AVX-512): small transformers train 1.7 times as fast with them.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}


def prepare_tensorflow() -> None:
    """Sets TensorFlow's environment variables that are not set yet.

    TensorFlow reads them when it is first imported, so commands, servers and the names of
    `fitrank_tf` that run models call this before. Later calls have no effect.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
