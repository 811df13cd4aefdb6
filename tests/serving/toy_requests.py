"""Requests to the toy models, and their responses."""

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

_PATIENCE = 60.0


def predict_request(model: str, **inputs: object) -> PredictRequest:
    request = PredictRequest()
    request.model_spec.name = model
    for alias, value in inputs.items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
    return request


def affine_request() -> PredictRequest:
    return predict_request(
        "affine", x=np.array([[1, 2, 3]], np.float32), shift=np.array([[4]], np.int32)
    )


def arrays(response: PredictResponse) -> dict[str, np.ndarray]:
    return {alias: tf.make_ndarray(proto) for alias, proto in response.outputs.items()}


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
