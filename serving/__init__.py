"""TF-Serving's side of the project: a local server with its API, and a client."""

# Sets TensorFlow's environment, which is read once, before anything here imports it.
import fitrank_tf  # noqa: F401
