"""Importing TensorFlow and TF-Text's ops without packages that a server does not use."""

import importlib
import importlib.util
import sys
from pathlib import Path

from fitrank_tf.core.tensorflow_setup import prepare_tensorflow

# TensorFlow imports them where they are installed, which takes half of its own time.
# Keras is imported later if somebody asks for `tf.keras`.
_NOT_NEEDED = ("jax", "keras.src.optimizers", "tf_keras.src.optimizers")


def import_tensorflow() -> None:
    """Imports TensorFlow, if nobody has yet."""
    prepare_tensorflow()
    hidden = [name for name in _NOT_NEEDED if name not in sys.modules]
    # Importing a module that is None here fails as if it were not installed.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        importlib.import_module("tensorflow")
    finally:
        for name in hidden:
            if sys.modules.get(name) is None:
                del sys.modules[name]


def load_text_ops() -> None:
    """Registers the ops of TF-Text, whose own package would import Keras."""
    import tensorflow as tf

    package = importlib.util.find_spec("tensorflow_text")
    assert package is not None and package.origin is not None
    for library in sorted(Path(package.origin).parent.glob("python/ops/*.so")):
        tf.load_op_library(str(library))
