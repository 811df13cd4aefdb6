"""Speed beside named alternatives, and long runs that try to break what is served."""

from fitrank_tf.core.tensorflow_setup import prepare_tensorflow

prepare_tensorflow()
