"""TF-Serving's side of the project: a local server with its API."""

from serving.process.tensorflow_import import import_tensorflow

import_tensorflow()
