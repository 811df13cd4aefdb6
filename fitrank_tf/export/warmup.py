"""Warm-up records: requests that a server runs before a version takes traffic.

TF-Serving reads `assets.extra/tf_serving_warmup_requests` of a version, a TFRecord of
`PredictionLog`, and one record that fails fails the version. So each is run against the
saved model before it counts as written.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.saved_models import load_saved_model

# Sizes allowed by the generated batching configuration; servers batch to no others.
BATCH_SIZES: tuple[int, ...] = (1, 4, 16, 32)

# TF-Serving's folder of what is no part of the graph.
EXTRA_DIR = "assets.extra"
_FILE = Path(EXTRA_DIR) / "tf_serving_warmup_requests"
# Of a dimension that the signature leaves open beside the batch, such as a list.
_OPEN_DIMENSION = 100


def write_warmup(version_dir: Path, examples: Mapping[str, bytes]) -> Path:
    """Writes the records of a saved model, one a signature and batch size, and runs them.

    Args:
        version_dir: a SavedModel.
        examples: {input name: a value} of string inputs; other strings are "", numbers
            and booleans are ones.

    Raises:
        FitRankError: if the model refuses one.
    """
    with _without_graph_optimiser():
        requests = list(_requests(version_dir, examples))
    path = version_dir / _FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            log = PredictionLog()
            log.predict_log.request.CopyFrom(request)
            writer.write(log.SerializeToString())
    return path


@contextlib.contextmanager
def _without_graph_optimiser() -> Iterator[None]:
    """Functions run as they were traced: to optimise them takes longer than one answer."""
    chosen = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options(
            {"disable_meta_optimizer": False, **chosen}
        )


def _requests(version_dir: Path, examples: Mapping[str, bytes]) -> Iterator[PredictRequest]:
    loaded = load_saved_model(version_dir)
    for name, signature in loaded.signatures.items():
        specs = signature.structured_input_signature[1]
        for size in BATCH_SIZES:
            inputs = {key: _example(spec, size, examples) for key, spec in specs.items()}
            try:
                signature(**{key: tf.constant(value) for key, value in inputs.items()})
            except tf.errors.OpError as error:
                raise FitRankError(
                    f"{version_dir}: the warm-up request of signature {name} fails "
                    f"({error.message}); servers would refuse this version"
                ) from error
            request = PredictRequest()
            request.model_spec.signature_name = name
            for key, value in inputs.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            yield request


def _example(spec: tf.TensorSpec, size: int, examples: Mapping[str, bytes]) -> np.ndarray:
    shape = [size, *(length or _OPEN_DIMENSION for length in spec.shape[1:])]
    if spec.dtype == tf.string:
        return np.full(shape, examples.get(spec.name, b""), object)
    return np.ones(shape, spec.dtype.as_numpy_dtype)
