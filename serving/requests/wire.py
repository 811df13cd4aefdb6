"""Reading protobuf's wire format field by field, without building a message.

A message of many empty parts takes a hundred times its size once it is built, and
TensorFlow's decoder ends the process on some tensors. So what a client sent is read here,
and only what passes the checks is decoded.
"""

from collections.abc import Iterator

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED_64: 8, _FIXED_32: 4}
_MAX_VARINT_BYTES = 10
_INT64 = 1 << 63


class WireError(ValueError):
    """Bytes that are no message."""


def scan(content: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message in their order.

    Args:
        content: the encoded message.

    Yields:
        The field's number, and its value: an unsigned int for a varint, else the bytes.

    Raises:
        WireError: the bytes are no message, or hold a group, which proto3 lacks.
    """
    view, at, end = memoryview(content), 0, len(content)
    while at < end:
        tag, at = _varint(view, at, end)
        kind = tag & 7
        value: int | memoryview
        if kind == _VARINT:
            value, at = _varint(view, at, end)
        else:
            if kind == _BYTES:
                size, at = _varint(view, at, end)
            elif (size := _FIXED_SIZES.get(kind, -1)) < 0:
                raise WireError(f"wire type {kind}")
            value = view[at : at + size]
            at += size
        if at > end or not tag >> 3:
            raise WireError("cut short")
        yield tag >> 3, value


def messages(content: bytes | memoryview) -> Iterator[tuple[int, memoryview]]:
    """As `scan`, for a message whose fields are strings, bytes and messages only."""
    for number, value in scan(content):
        if isinstance(value, int):
            raise WireError(f"field {number} is a number")
        yield number, value


def signed(value: int) -> int:
    """The int64 that a varint holds."""
    return value - 2 * _INT64 if value >= _INT64 else value


def text(value: memoryview) -> str:
    """The string that a field holds; raises `WireError` if it is not UTF-8."""
    try:
        return bytes(value).decode()
    except UnicodeDecodeError as error:
        raise WireError(str(error)) from error


def _varint(view: memoryview, at: int, end: int) -> tuple[int, int]:
    """The varint at a position, cut to 64 bits, and the position after it."""
    number = shift = 0
    for place in range(at, min(end, at + _MAX_VARINT_BYTES)):
        byte = view[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & (2 * _INT64 - 1), place + 1
        shift += 7
    raise WireError("a varint without end")
