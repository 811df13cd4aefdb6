"""TF-Serving's side of the project: a local server with its API, and a client."""

from fitrank_tf.core.tensorflow_setup import prepare_tensorflow

prepare_tensorflow()
