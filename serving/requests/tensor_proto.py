"""TensorProto <-> NumPy, as strict as TensorFlow's own parser and as fast as memcpy.

A tensor is read in two steps: `read_tensor` finds its dtype, its shape and the bytes of its
values, `decode` makes the array. Whoever calls checks dtype and size in between, because
one value may state a shape of billions, and because TensorFlow's own decoder ends the
process on some dtypes and ranks.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from serving.models.servable import as_array
from serving.requests.wire import WireError, scan, signed
from serving.status import StatusError, invalid_argument

# The field of a TensorProto for each dtype; other dtypes are sent as raw content.
_VALUE_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int8: "int_val",
    tf.int16: "int_val",
    tf.int32: "int_val",
    tf.uint8: "int_val",
    tf.uint16: "int_val",
    tf.int64: "int64_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
}
_NUMBERS = {field.name: field.number for field in TensorProto.DESCRIPTOR.fields}
_DTYPE, _SHAPE, _CONTENT, _STRINGS = (
    _NUMBERS[name] for name in ("dtype", "tensor_shape", "tensor_content", "string_val")
)
# Fields of TensorShapeProto and of its Dim.
_DIM, _UNKNOWN_RANK, _DIM_SIZE = 2, 3, 1

# What they hold is code or memory of a process, not values.
_OPAQUE = {tf.variant, tf.resource}

_LENGTH_DELIMITED = 2

# Integers from 0 to this one are encoded as one byte.
_MAX_BYTE_VARINT = 0x7F

# NumPy's limit, below TensorFlow's 254.
MAX_RANK = 32

# TensorFlow ignores values beyond the shape; more than these are an attack.
_MAX_SURPLUS = 1024


@dataclass(frozen=True)
class WireTensor:
    """A TensorProto of which nothing is decoded yet.

    Attributes:
        dtype: the dtype that it states.
        shape: the shape that it states; None for an unknown rank.
        values: field number -> the values of the field, numbers or bytes.
        content: the whole message.
    """

    dtype: tf.DType
    shape: tuple[int, ...] | None
    values: Mapping[int, Sequence[int | memoryview | bytes]]
    content: bytes | memoryview

    @property
    def size(self) -> int:
        """The number of values that the shape has."""
        return math.prod(self.shape or ())


def read_tensor(alias: str, content: bytes | memoryview) -> WireTensor:
    """Reads dtype, shape and values of an encoded TensorProto, and decodes nothing.

    Args:
        alias: the input's name, for the error message.
        content: the encoded message.

    Raises:
        StatusError: INVALID_ARGUMENT, the bytes are no tensor of a dtype that a client
            may send, or its rank is above 32.
    """
    enum, shape = 0, b""
    values: dict[int, list[int | memoryview | bytes]] = defaultdict(list)
    try:
        for number, value in scan(content):
            if number == _STRINGS and not isinstance(value, int):
                values[number].append(bytes(value))
            elif number == _DTYPE and isinstance(value, int):
                enum = value
            elif number == _SHAPE and not isinstance(value, int):
                shape += value
            else:
                values[number].append(value)
        dtype = tf.dtypes.as_dtype(enum)
        dimensions = _dimensions(alias, shape)
    except (WireError, TypeError, OverflowError) as error:
        raise _not_a_tensor(alias) from error
    if dtype in _OPAQUE:
        raise _not_a_tensor(alias)
    return WireTensor(dtype, dimensions, values, content)


def decode(alias: str, tensor: WireTensor) -> np.ndarray:
    """Decodes a tensor whose dtype and size were checked.

    Args:
        alias: the input's name, for the error message.
        tensor: any that `tf.io.parse_tensor` accepts.

    Returns:
        An array of the tensor's dtype and shape, strings as `bytes` in an object array.
        It may be a read-only view of the message's bytes.

    Raises:
        StatusError: INVALID_ARGUMENT, the values do not fit the dtype and the shape.
    """
    field, content = _VALUE_FIELDS.get(tensor.dtype), tensor.values.get(_CONTENT, ())
    try:
        if field is None or tensor.shape is None or (content and field == "string_val"):
            return _parsed(tensor)
        dtype = np.dtype(tensor.dtype.as_numpy_dtype)
        if content and content[-1] != b"":
            values = np.frombuffer(content[-1], dtype)  # type: ignore[arg-type]
            if len(values) != tensor.size:
                raise WireError("content of another size")
        else:
            values = _filled(_values(tensor, field, dtype), tensor.size, dtype)
        return values.reshape(tensor.shape)
    except (ValueError, TypeError, tf.errors.OpError) as error:
        raise _not_a_tensor(alias) from error


def encode(array: np.ndarray, proto: TensorProto) -> None:
    """Encodes an array into an empty TensorProto, in the fields that TF-Serving fills.

    Not as raw content, because clients read `outputs["scores"].float_val` directly.

    Args:
        array: any shape, of any dtype of TensorFlow; strings as `bytes` objects.
        proto: the message to fill; that of the response itself avoids a copy.
    """
    array = as_array(array)
    dtype = tf.dtypes.as_dtype(array.dtype)
    field = _VALUE_FIELDS.get(dtype)
    if field is None:
        proto.CopyFrom(tf.make_tensor_proto(array, dtype=dtype, shape=array.shape))
        return
    proto.dtype = dtype.as_datatype_enum
    # Marks the shape as set even if it has no dimensions.
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    payload = _wire_payload(array)
    if payload is None:
        getattr(proto, field).extend(array.ravel().tolist())
    else:
        proto.MergeFromString(_packed(_NUMBERS[field], payload))


def session_name(dtype: tf.DType) -> str:
    """The name of a dtype in TF-Serving's error messages, which use C++ names."""
    names = {"float32": "float", "float64": "double", "float16": "half"}
    return names.get(dtype.name, dtype.name)


def _not_a_tensor(alias: str) -> StatusError:
    return invalid_argument(f"tensor parsing error: {alias}")


def _dimensions(alias: str, shape: bytes) -> tuple[int, ...] | None:
    sizes: list[int] = []
    for number, value in scan(shape):
        if number == _UNKNOWN_RANK and value:
            return None
        if number != _DIM or isinstance(value, int):
            continue
        sizes.append(0)
        for part, size in scan(value):
            if part == _DIM_SIZE and isinstance(size, int):
                sizes[-1] = signed(size)
        if sizes[-1] < 0:
            raise WireError("a negative dimension")
        if len(sizes) > MAX_RANK:
            raise invalid_argument(
                f"input {alias} has more than {MAX_RANK} dimensions: send it with fewer"
            )
    if math.prod(size for size in sizes if size) >= 2**63:
        raise WireError("more values than int64 counts")
    return tuple(sizes)


def _parsed(tensor: WireTensor) -> np.ndarray:
    """Reads a dtype without a field of its own, an unknown rank, or packed strings."""
    return as_array(tf.io.parse_tensor(bytes(tensor.content), tensor.dtype))


def _values(tensor: WireTensor, field: str, dtype: np.dtype) -> np.ndarray:
    """The values in a field, however many there are."""
    given = tensor.values.get(_NUMBERS[field], ())
    if field == "string_val":
        if len(given) > tensor.size + _MAX_SURPLUS:
            raise WireError("too many strings")
        strings = np.empty(len(given), object)
        strings[:] = given
        return strings
    if field in ("float_val", "double_val"):
        # Packed or one by one, the numbers are these bytes.
        return np.frombuffer(b"".join(given), dtype)  # type: ignore[arg-type]
    payload = b"".join(
        _varint(value) if isinstance(value, int) else value for value in given
    )
    ends = np.frombuffer(payload, np.uint8) <= _MAX_BYTE_VARINT
    if np.count_nonzero(ends) > tensor.size + _MAX_SURPLUS:
        raise WireError("too many numbers")
    values = getattr(TensorProto.FromString(_packed(_NUMBERS[field], payload)), field)
    # By way of int32: numbers too large for the dtype wrap around, as in TensorFlow.
    wide = np.int32 if field == "int_val" else dtype
    return np.fromiter(values, wide, len(values)).astype(dtype, copy=False)


def _filled(values: np.ndarray, size: int, dtype: np.dtype) -> np.ndarray:
    """As many values as the shape has; the last one is repeated, none means zeros."""
    if len(values) >= size:
        return values[:size]
    last = values[-1] if len(values) else (b"" if dtype.hasobject else 0)
    filled = np.full(size, last, dtype)
    filled[: len(values)] = values
    return filled


def _wire_payload(array: np.ndarray) -> bytes | None:
    """The bytes of a packed protobuf field, if they can be made without a Python loop.

    That holds for floats, for bools, and for integers if all are 0 to 127.
    """
    if array.dtype in (np.float32, np.float64):
        return array.tobytes()
    if array.dtype.kind not in "biu" or not array.size:
        return None
    if array.min() < 0 or array.max() > _MAX_BYTE_VARINT:
        return None
    return array.astype(np.uint8).tobytes()


def _packed(field: int, payload: bytes) -> bytes:
    """Encodes a packed repeated field in protobuf's wire format."""
    return _varint(field << 3 | _LENGTH_DELIMITED) + _varint(len(payload)) + payload


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > _MAX_BYTE_VARINT:
        encoded.append(number & _MAX_BYTE_VARINT | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
