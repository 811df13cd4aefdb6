"""The server starts without the packages that TensorFlow only looks for."""

import subprocess
import sys

_CODE = """
import sys
import serving.server
print(sorted({"jax", "keras", "tf_keras", "tensorflow_text"} & set(sys.modules)))
import tensorflow as tf
assert tf.keras.layers.Dense(2)(tf.zeros([1, 3])).shape == [1, 2]
import tensorflow_text
assert tensorflow_text.WhitespaceTokenizer().tokenize(["red shirt"]).shape[0] == 1
"""


def test_keras_and_jax_are_imported_only_by_those_who_ask() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CODE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"
