"""Tensors as JSON, in the formats of TF-Serving's REST API.

A request holds either `instances`, a list with one entry for each row, or `inputs`, with
the whole batch of each input; `json_outputs` writes the response. Checks and error messages
are those of TF-Serving's `util/json_tensor.cc`. Values are not cast: 1.0 is not an integer,
"1" and true are not numbers.
"""

import base64
import binascii
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

from serving.requests.tensor_proto import MAX_RANK, session_name
from serving.status import StatusError, invalid_argument

ROWS = "instances"
COLUMNS = "inputs"
BASE64 = "b64"

# float dtype -> the largest integer up to which it holds every integer.
_MAX_EXACT_INTEGERS = {tf.float32: 2**24 - 1, tf.float64: 2**53 - 1}
_SIGNED = {tf.int8, tf.int16, tf.int32, tf.int64}
INTEGERS = {*_SIGNED, tf.uint8, tf.uint16, tf.uint32, tf.uint64}
_JSON_TYPES = {
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
    type(None): "Null",
}

# Error messages quote the wrong value, but not a whole photo.
_MAX_SHOWN = 200


def parse_object(body: bytes) -> dict[str, Any]:
    """Parses the body of a request, a JSON object.

    Raises:
        StatusError: INVALID_ARGUMENT, the body is not a JSON object.
    """
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid_argument(f"JSON Parse error: Invalid value. {error}") from error
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON Value: {_shown(document)} Is not object")
    return document


def signature_name_of(document: Mapping[str, Any]) -> str:
    """The signature name in a request; "" if it has none.

    Raises:
        StatusError: INVALID_ARGUMENT, the name is not a string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid_argument(
            f"JSON Value: {_shown(document)} not formatted correctly. 'signature_name' "
            "key must be a string value."
        )
    return encode_text(name).decode()


def parse_inputs(
    document: Mapping[str, Any], signature_inputs: Mapping[str, TensorInfo]
) -> dict[str, np.ndarray]:
    """Parses the tensors of a `predict` request.

    Args:
        document: the JSON object of the body.
        signature_inputs: input alias -> TensorInfo of the signature.

    Returns:
        Input alias -> array of the signature's dtype, strings as `bytes` objects.

    Raises:
        StatusError: INVALID_ARGUMENT; the message quotes the wrong value.
    """
    if ROWS in document and COLUMNS in document:
        raise invalid_argument(
            f"JSON Value: {_shown(document)} Not formatted correctly expecting only one of "
            f"'{COLUMNS}' or '{ROWS}' keys to exist "
        )
    dtypes = {
        alias: tf.dtypes.as_dtype(info.dtype) for alias, info in signature_inputs.items()
    }
    if ROWS in document:
        return _parse_rows(document[ROWS], dtypes)
    if COLUMNS in document:
        return _parse_columns(document[COLUMNS], dtypes)
    raise invalid_argument(f"Missing '{COLUMNS}' or '{ROWS}' key")


def decode_base64(value: Any) -> bytes:
    """Decodes {"b64": "..."}.

    Raises:
        StatusError: INVALID_ARGUMENT, the value is not such an object, or not base64.
    """
    if not is_base64(value):
        raise invalid_argument(
            f"JSON Value: {_shown(value)} not formatted correctly for base64 data"
        )
    text = value[BASE64]
    try:
        # TF-Serving's decoder too accepts base64 without padding.
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid_argument("Unable to base64 decode") from error


def is_base64(value: Any) -> bool:
    """Whether a JSON value is an object {"b64": "..."} with no other key."""
    return (
        isinstance(value, dict)
        and value.keys() == {BASE64}
        and isinstance(value[BASE64], str)
    )


def encode_text(value: str) -> bytes:
    """Encodes a JSON string as UTF-8.

    Raises:
        StatusError: INVALID_ARGUMENT, the string holds half a surrogate pair.
    """
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise invalid_argument(
            "JSON Parse error: The surrogate pair in string is invalid."
        ) from error


def json_type(value: Any) -> str:
    """The name of a JSON value's type in TF-Serving's error messages."""
    return _JSON_TYPES.get(type(value), str(value))


def check_lossless(value: float, dtype: tf.DType) -> None:
    """Checks that a float dtype holds an int exactly, or a float without overflow.

    Raises:
        StatusError: INVALID_ARGUMENT, it does not.
    """
    if isinstance(value, int):
        fits = abs(value) <= _MAX_EXACT_INTEGERS[dtype]
    else:
        fits = not math.isfinite(value) or abs(value) <= float(dtype.max)
    if not fits:
        raise invalid_argument(
            f"Cannot convert JSON value: {_shown(value)} to {session_name(dtype)} without "
            "loss of precision."
        )


def _parse_rows(rows: Any, dtypes: Mapping[str, tf.DType]) -> dict[str, np.ndarray]:
    if not isinstance(rows, list):
        raise invalid_argument(
            f"JSON Value: {_shown(rows)} Excepting '{ROWS}' to be an list/array"
        )
    if not rows:
        raise invalid_argument(f"JSON Value: {_shown(rows)} No values in '{ROWS}' array")
    if _is_named(rows[0]):
        return _parse_named_rows(rows, dtypes)
    if len(dtypes) > 1:
        raise invalid_argument(
            f"{ROWS} is a plain list, but expecting list of objects as multiple input "
            "tensors required as per tensorinfo_map"
        )
    for position, row in enumerate(rows):
        if _is_named(row):
            raise invalid_argument(
                f"Expecting value/list but got object at item {position} of input list"
            )
    [(alias, dtype)] = dtypes.items()
    return {alias: _parse_column(rows, dtype, "")}


def _parse_named_rows(
    rows: Sequence[Any], dtypes: Mapping[str, tf.DType]
) -> dict[str, np.ndarray]:
    for position, row in enumerate(rows):
        if not _is_named(row):
            raise invalid_argument(
                f"Expecting object but got list at item {position} of input list"
            )
        if row.keys() != dtypes.keys():
            raise invalid_argument(
                f"Failed to process element: {position} of '{ROWS}' list. JSON object: "
                f"{_shown(row)} must only have keys: {','.join(sorted(dtypes))}"
            )
    return {
        alias: _parse_column([row[alias] for row in rows], dtype, f" key: {alias}")
        for alias, dtype in dtypes.items()
    }


def _parse_column(rows: list[Any], dtype: tf.DType, key: str) -> np.ndarray:
    """The rows of one input as one array; an error names the first wrong row."""
    try:
        return _parse_tensor(rows, dtype)
    except StatusError as whole:
        shape = None
        for position, row in enumerate(rows):
            try:
                array = _parse_tensor(row, dtype)
                shape = shape or array.shape
                if array.shape != shape:
                    raise invalid_argument(
                        f"Expecting shape {_dimensions(shape)} but got: "
                        f"{_dimensions(array.shape)}"
                    )
            except StatusError as error:
                raise StatusError(
                    error.code,
                    f"Failed to process element: {position}{key} of '{ROWS}' list. Error: "
                    f"{error.code.name}: {error.message}",
                ) from whole
        raise


def _parse_columns(columns: Any, dtypes: Mapping[str, tf.DType]) -> dict[str, np.ndarray]:
    if not _is_named(columns):
        if len(dtypes) > 1:
            raise invalid_argument(
                f"{COLUMNS} is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        [(alias, dtype)] = dtypes.items()
        return {alias: _parse_tensor(columns, dtype)}
    for alias in sorted(dtypes):
        if alias not in columns:
            raise invalid_argument(f"Missing named input: {alias} in '{COLUMNS}' object.")
    return {alias: _parse_tensor(columns[alias], dtype) for alias, dtype in dtypes.items()}


def _is_named(value: Any) -> bool:
    """Whether a value is an object of named tensors."""
    return isinstance(value, dict) and not is_base64(value)


def _parse_tensor(value: Any, dtype: tf.DType) -> np.ndarray:
    """Converts a number, a string, or evenly nested lists of them into an array."""
    shape = _shape(value)
    leaves = [value]
    for level, size in enumerate(shape):
        for part in leaves:
            _check_list(part, level, size, len(shape))
        leaves = list(itertools.chain.from_iterable(leaves))
    types = set(map(type, leaves))
    if list in types:
        raise invalid_argument(
            f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}"
        )
    return _convert(leaves, types, dtype).reshape(shape)


def _shape(value: Any) -> list[int]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if len(shape) > MAX_RANK:
            raise invalid_argument(f"Lists are nested more than {MAX_RANK} deep")
        if not value:
            break
        value = value[0]
    return shape


def _check_list(value: Any, level: int, size: int, rank: int) -> None:
    if type(value) is not list:
        raise invalid_argument(
            f"JSON Value: {_shown(value)} found at incorrect level: {level + 1} in the "
            f"JSON DOM. Expected at level: {rank}"
        )
    if len(value) != size:
        raise invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {size}"
        )


def _convert(leaves: list[Any], types: set[type], dtype: tf.DType) -> np.ndarray:
    if dtype == tf.string:
        return _strings(leaves)
    if dtype in _MAX_EXACT_INTEGERS:
        _check_types(leaves, types, {int, float}, dtype)
        return _floats(leaves, types, dtype)
    if dtype in INTEGERS:
        _check_types(leaves, types, {int}, dtype)
        return _integers(leaves, dtype)
    if dtype == tf.bool:
        _check_types(leaves, types, {bool}, dtype)
        return np.array(leaves, bool)
    raise StatusError(
        grpc.StatusCode.UNIMPLEMENTED,
        f"Conversion of JSON Value: {_shown(leaves[0] if leaves else None)} to type: "
        f"{session_name(dtype)}",
    )


def _check_types(
    leaves: list[Any], types: set[type], allowed: set[type], dtype: tf.DType
) -> None:
    if not types <= allowed:
        wrong = next(leaf for leaf in leaves if type(leaf) not in allowed)
        raise _type_error(wrong, dtype)


def _type_error(value: Any, dtype: tf.DType) -> StatusError:
    return invalid_argument(
        f"JSON Value: {_shown(value)} Type: {json_type(value)} is not of expected type: "
        f"{session_name(dtype)}"
    )


def _strings(leaves: list[Any]) -> np.ndarray:
    strings = np.empty(len(leaves), object)
    for position, leaf in enumerate(leaves):
        if isinstance(leaf, str):
            strings[position] = encode_text(leaf)
        elif isinstance(leaf, dict):
            strings[position] = decode_base64(leaf)
        else:
            raise _type_error(leaf, tf.string)
    return strings


def _floats(leaves: list[Any], types: set[type], dtype: tf.DType) -> np.ndarray:
    if int in types:
        for leaf in leaves:
            check_lossless(leaf, dtype)
    values = np.array(leaves, np.float64)
    if (np.abs(values[np.isfinite(values)]) > float(dtype.max)).any():
        for leaf in leaves:
            check_lossless(leaf, dtype)
    return values.astype(dtype.as_numpy_dtype)


def _integers(leaves: list[Any], dtype: tf.DType) -> np.ndarray:
    for leaf in leaves:
        if not dtype.min <= leaf <= dtype.max:
            raise _type_error(leaf, dtype)
    return np.array(leaves, dtype.as_numpy_dtype)


def _dimensions(shape: Sequence[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _shown(value: Any) -> str:
    """The beginning of a value as JSON, of which no more is made than is shown."""
    text = ""
    try:
        for part in json.JSONEncoder(ensure_ascii=False).iterencode(value):
            text += part[:_MAX_SHOWN]
            if len(text) > _MAX_SHOWN:
                break
    except RecursionError:
        text += "..."
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."
