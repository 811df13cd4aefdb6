"""Tensors in messages, read and written without TensorFlow; NumPy only for arrays."""

import math
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fitrank_tf.client.messages import TensorProto
from fitrank_tf.core.errors import FitRankError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# More dimensions than NumPy's arrays can have in all releases, and more values that a
# message leaves to its last one than any search answers with.
_MAX_RANK = 32
_MAX_SHOWN = 8
_MAX_LEFT_OUT = 2**20


class _Kind(NamedTuple):
    """A type of values.

    Attributes:
        number: TensorFlow's, of its `DataType`.
        field: of `TensorProto`, which holds the values.
        code: of the struct module; "" for texts.
        zero: the value of a tensor that holds none.
    """

    number: int
    field: str
    code: str
    zero: Any


# {NumPy's name: kind}.
_KINDS = {
    "float32": _Kind(1, "float_val", "f", 0.0),
    "float64": _Kind(2, "double_val", "d", 0.0),
    "int32": _Kind(3, "int_val", "i", 0),
    "object": _Kind(7, "string_val", "", b""),
    "int64": _Kind(9, "int64_val", "q", 0),
    "bool": _Kind(10, "bool_val", "?", False),
}
_NAMES = {kind.number: name for name, kind in _KINDS.items()}


class Tensor(NamedTuple):
    """Values in row-major order, and their shape.

    Attributes:
        shape: the dimensions.
        values: bytes, float, int or bool.
        dtype: NumPy's name of their type; "object" for bytes.
    """

    shape: tuple[int, ...]
    values: Sequence[Any]
    dtype: str


def write_tensor(values: Sequence[Any], dtype: str) -> Any:
    """A `TensorProto` of one dimension.

    Args:
        values: bytes, int or float.
        dtype: as in `Tensor`.
    """
    kind = _KINDS[dtype]
    proto = TensorProto(dtype=kind.number, **{kind.field: values})
    proto.tensor_shape.dim.add(size=len(values))
    return proto


def read_tensor(proto: Any, name: str) -> Tensor:
    """The values of a `TensorProto`.

    As TensorFlow does, the last value stands for those that the message leaves out.

    Args:
        proto: the message.
        name: of the output, for messages.

    Raises:
        FitRankError: the type is another than floats, integers, bool and texts, or the
            shape is none of the values'.
    """
    if proto.dtype not in _NAMES:
        raise FitRankError(
            f"output '{name}' is of TensorFlow's type {proto.dtype}; ask for outputs of "
            f"{', '.join(_KINDS)}"
        )
    dtype = _NAMES[proto.dtype]
    kind = _KINDS[dtype]
    shape = tuple(dim.size for dim in proto.tensor_shape.dim[: _MAX_RANK + 1])
    size = math.prod(shape)
    content = proto.tensor_content
    values = list(getattr(proto, kind.field))
    if content and kind.code:
        count, odd_bytes = divmod(len(content), struct.calcsize(f"<{kind.code}"))
        values = [] if odd_bytes else list(struct.unpack(f"<{count}{kind.code}", content))
    left_out = size - len(values)
    if (
        (min(shape, default=0) < 0 or proto.tensor_shape.unknown_rank)
        or (len(shape) > _MAX_RANK or left_out < 0)
        or left_out > (0 if content else _MAX_LEFT_OUT)
    ):
        raise FitRankError(
            f"output '{name}' is said to be of the shape {list(shape[:_MAX_SHOWN])} and "
            f"holds {len(values)} values; check that the server is one of TensorFlow's"
        )
    last = values[-1] if values else kind.zero
    return Tensor(shape, values + [last] * left_out, dtype)


def write_array(values: "npt.ArrayLike", dtype: str) -> Any:
    """A `TensorProto` of an array.

    Args:
        values: an array, or lists of its values; texts as str or bytes.
        dtype: as in `Tensor`.

    Raises:
        FitRankError: the values are of no such type, or no array.
    """
    import numpy as np

    kind = _KINDS[dtype]
    try:
        array = np.asarray(values, None if kind.code else object)
        if kind.code and not np.can_cast(array.dtype, dtype, "same_kind"):
            raise ValueError(f"{array.dtype} is given")
        array = array.astype(dtype)
        proto = TensorProto(dtype=kind.number)
        if kind.code:
            proto.tensor_content = array.tobytes()
        else:
            proto.string_val.extend(map(_to_bytes, array.ravel().tolist()))
    except (TypeError, ValueError) as error:
        wanted = dtype if kind.code else "texts"
        raise FitRankError(f"{error}: give an array of {wanted}") from error
    for length in array.shape:
        proto.tensor_shape.dim.add(size=length)
    return proto


def read_array(proto: Any, name: str) -> "np.ndarray":
    """The array of a `TensorProto`, texts as bytes; see `read_tensor`."""
    import numpy as np

    shape, values, dtype = read_tensor(proto, name)
    return np.array(values, dtype).reshape(shape)


def dtype_name(number: int, name: str) -> str:
    """NumPy's name of one of TensorFlow's types.

    Args:
        number: of TensorFlow's `DataType`.
        name: of the input, for messages.

    Raises:
        FitRankError: no array of this type can be sent.
    """
    if number not in _NAMES:
        raise FitRankError(
            f"input '{name}' is of TensorFlow's type {number}, none of {', '.join(_KINDS)}"
        )
    return _NAMES[number]


def _to_bytes(text: object) -> bytes:
    if isinstance(text, str):
        return text.encode(errors="replace")
    if isinstance(text, bytes):
        return text
    raise TypeError(f"{text!r} is no text")
