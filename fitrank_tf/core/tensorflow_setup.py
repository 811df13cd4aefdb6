"""How TensorFlow is set up before it is imported."""

import os

LEGACY_KERAS = "TF_USE_LEGACY_KERAS"
_SETTINGS = {
    # TF-Ranking and KerasCV follow `tf.keras`, which has to be Keras 2.
    LEGACY_KERAS: "1",
    # Keeps TensorFlow's start-up notes out of the output; some are of level E, e.g. that
    # there is no GPU.
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # Turns oneDNN's matrix products on where TensorFlow leaves them off (CPUs without
    # AVX-512): small transformers train 1.7 times as fast with them.
    "TF_ENABLE_ONEDNN_OPTS": "1",
}


def prepare_tensorflow() -> None:
    """Sets what TensorFlow reads from the environment, where nobody has set it.

    TensorFlow reads it once, when it is first imported: commands, servers and the names
    of `fitrank_tf` that run models call this before. Afterwards it changes nothing.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
