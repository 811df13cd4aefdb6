"""The outputs of a signature as JSON, in the formats of TF-Serving's REST API."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from serving.http.json_tensors import BASE64, COLUMNS, INTEGERS
from serving.requests.tensor_proto import session_name
from serving.status import invalid_argument

# Outputs with this suffix are bytes, not text, and are written as {"b64": ...}.
_BYTES_SUFFIX = "_bytes"


def format_outputs(
    outputs: Mapping[str, np.ndarray], document: Mapping[str, Any]
) -> dict[str, Any]:
    """Formats the response to a `predict` request, in the format of the request.

    Args:
        outputs: output alias -> array.
        document: the JSON object of the request's body.

    Returns:
        {"outputs": ...} for a request with `inputs`, else {"predictions": [...]}.

    Raises:
        StatusError: INVALID_ARGUMENT, a dtype has no JSON form, or the outputs do not
            have the same first dimension.
    """
    if COLUMNS in document:
        columns = {alias: _values(alias, array) for alias, array in outputs.items()}
        return {"outputs": _unwrapped(columns)}
    _check_rows(outputs)
    columns = {alias: _values(alias, array) for alias, array in outputs.items()}
    if len(columns) == 1:
        return {"predictions": _unwrapped(columns)}
    rows = zip(*columns.values())
    return {"predictions": [dict(zip(columns, row)) for row in rows]}


def _check_rows(outputs: Mapping[str, np.ndarray]) -> None:
    """Checks that all outputs have the same first dimension, at least 1."""
    batch = None
    for alias, array in outputs.items():
        if not array.ndim:
            raise invalid_argument(f"Tensor name: {alias} has no shape information ")
        if not len(array):
            raise invalid_argument(f"Tensor name: {alias} has invalid batch size: 0")
        batch = batch or len(array)
        if len(array) != batch:
            raise invalid_argument(
                f"Tensor name: {alias} has inconsistent batch size: {len(array)} "
                f"expecting: {batch}"
            )


def _unwrapped(columns: Mapping[str, Any]) -> Any:
    """The value alone if there is only one output, else all outputs by name."""
    return next(iter(columns.values())) if len(columns) == 1 else columns


def _values(alias: str, array: np.ndarray) -> Any:
    """An array as a JSON value: a number, a string, or nested lists of them."""
    dtype = tf.dtypes.as_dtype(array.dtype)
    if dtype == tf.string:
        as_json = _as_base64 if alias.endswith(_BYTES_SUFFIX) else _as_text
        return _mapped(as_json, array)
    if dtype == tf.float32:
        # By way of the shortest decimal: 0.2 is written as 0.2, not 0.20000000298023224.
        return array.astype("U").astype(np.float64).tolist()
    if dtype in INTEGERS or dtype in (tf.float64, tf.bool):
        return array.tolist()
    raise invalid_argument(
        f"Failed to write JSON value for tensor type: {session_name(dtype)}"
    )


def _mapped(function: Any, array: np.ndarray) -> Any:
    values = np.empty(array.size, object)
    for position, value in enumerate(array.flat):
        values[position] = function(value)
    return values.reshape(array.shape).tolist()


def _as_text(value: bytes) -> str:
    return value.decode(errors="replace")


def _as_base64(value: bytes) -> dict[str, str]:
    return {BASE64: base64.b64encode(value).decode()}
