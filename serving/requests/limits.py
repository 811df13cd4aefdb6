"""Limits of a single request. TF-Serving has only gRPC's limit of 2 GiB.

They count what a request costs, not what it weighs: 60 kB of JSON are 20,000 queries, and a
tensor of one value may state a shape of billions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto

from fitrank_tf.core.errors import FitRankError
from serving.requests.tensor_proto import WireTensor
from serving.status import invalid_argument, resource_exhausted

_MIB = 1024 * 1024
_UNLIMITED = 0

# gRPC counts a message's bytes in an int32, and takes -1 for "no limit".
_MAX_GRPC_BYTES = 2**31 - 1
_GRPC_UNLIMITED = -1

# What a string takes beside its characters: the object, the pointer, TensorFlow's copy.
_STRING_BYTES = 64

# TF-Serving leaves shapes to the ops. What a large tensor of another shape than the
# signature's costs there is unknown, so only small ones get the op's own message.
_MAX_MISFIT = 4096


@dataclass(frozen=True)
class Limits:
    """The most that one request may contain; 0 lifts a limit.

    Attributes:
        max_request_bytes: bytes of a gRPC message, of an uncompressed HTTP body, and of a
            tensor once it is decoded.
        max_request_batch: rows of an input, its first dimension.
        max_string_bytes: bytes of one string, such as an encoded photo.
        max_json_values: numbers, strings, lists and objects of an HTTP body.
        max_response_bytes: bytes of all outputs of a request.
        max_execution_batch: rows that run at once without batching. A larger request runs
            in parts, if all inputs and outputs of its signature have rows; parts that
            are quick make the next ones larger.

    Raises:
        FitRankError: a limit is negative or above gRPC's 2 GiB.
    """

    max_request_bytes: int = 256 * _MIB
    max_request_batch: int = 1024 * 1024
    max_string_bytes: int = 32 * _MIB
    max_json_values: int = 1_000_000
    max_response_bytes: int = 256 * _MIB
    max_execution_batch: int = 64

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= _MAX_GRPC_BYTES:
                raise FitRankError(
                    f"--{field.name}={value}: give a number from 0 (no limit) to "
                    f"{_MAX_GRPC_BYTES}"
                )

    @property
    def grpc_message_bytes(self) -> int:
        """`max_request_bytes` as the value of gRPC's channel argument."""
        return self.max_request_bytes or _GRPC_UNLIMITED

    def check_bytes(self, size: int) -> None:
        """Checks the size of an HTTP body; gRPC checks its messages itself.

        Raises:
            StatusError: RESOURCE_EXHAUSTED, the body has too many bytes.
        """
        if _is_above(size, self.max_request_bytes):
            raise resource_exhausted(
                f"the request has {size} bytes, the limit is {self.max_request_bytes}: "
                "send it in parts, or start the server with a higher --max_request_bytes",
            )

    def check_json(self, body: bytes) -> None:
        """Checks how many values a JSON text can have, before it is parsed.

        Each takes 50 bytes or more once it is parsed. Commas in strings count too.

        Raises:
            StatusError: RESOURCE_EXHAUSTED, there are too many.
        """
        values = sum(map(body.count, (b",", b"[", b"{")))
        if _is_above(values, self.max_json_values):
            raise resource_exhausted(
                f"the request has {values} JSON values, the limit is "
                f"{self.max_json_values}: send it in parts or by gRPC, or start the server "
                "with a higher --max_json_values",
            )

    def check_tensor(
        self, alias: str, tensor: WireTensor, expected: TensorShapeProto
    ) -> None:
        """Checks what a tensor would take once it is decoded.

        Args:
            alias: the input's name, for the error message.
            tensor: the tensor.
            expected: the shape in the signature.

        Raises:
            StatusError: INVALID_ARGUMENT, it would take more than `max_request_bytes`, or
                it is large and has another shape than the signature.
        """
        value_bytes = tensor.dtype.size or _STRING_BYTES
        if _is_above(tensor.size * value_bytes, self.max_request_bytes):
            raise invalid_argument(
                f"input {alias} has {tensor.size} values, which take more than the limit "
                f"of {self.max_request_bytes} bytes: send it in parts, or start the server "
                "with a higher --max_request_bytes"
            )
        shape = tf.TensorShape(expected)
        most = _MAX_MISFIT if self.max_request_bytes else _UNLIMITED
        if _is_above(tensor.size, most) and not shape.is_compatible_with(tensor.shape):
            raise invalid_argument(
                f"input {alias} has the shape {list(tensor.shape or ())}, its signature "
                f"takes {shape}"
            )

    def check_inputs(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Checks the rows and the string lengths of inputs.

        Args:
            inputs: input alias -> array [batch, ...].

        Raises:
            StatusError: INVALID_ARGUMENT; the message names the input, the limit and
                the flag that raises it.
        """
        for alias, array in inputs.items():
            if array.ndim and _is_above(len(array), self.max_request_batch):
                raise invalid_argument(
                    f"input {alias} has {len(array)} rows, the limit is "
                    f"{self.max_request_batch}: send them in several requests, or start "
                    "the server with a higher --max_request_batch"
                )
            if array.dtype == object and self.max_string_bytes != _UNLIMITED:
                self._check_strings(alias, array)

    def check_outputs(self, outputs: Iterable[np.ndarray], rows: int, ran: int) -> None:
        """Checks what all rows of a request return, by the rows that ran so far.

        Args:
            outputs: arrays [ran, ...].
            rows: the rows of the request.
            ran: how many of them ran.

        Raises:
            StatusError: RESOURCE_EXHAUSTED, the outputs take too much.
        """
        size = sum(map(_bytes_of, outputs)) * rows // max(1, ran)
        if _is_above(size, self.max_response_bytes):
            raise resource_exhausted(
                f"the outputs of {rows} rows take about {size} bytes, the limit is "
                f"{self.max_response_bytes}: send fewer rows, ask for fewer outputs by "
                "output_filter, or start the server with a higher --max_response_bytes",
            )

    def _check_strings(self, alias: str, array: np.ndarray) -> None:
        longest = max(map(len, array.flat), default=0)
        if longest > self.max_string_bytes:
            raise invalid_argument(
                f"input {alias} has a string of {longest} bytes, the limit is "
                f"{self.max_string_bytes}: shorten it, or start the server with a higher "
                "--max_string_bytes"
            )


def _is_above(value: int, limit: int) -> bool:
    return limit != _UNLIMITED and value > limit


def _bytes_of(array: np.ndarray) -> int:
    if array.dtype != object:
        return array.nbytes
    return array.size * _STRING_BYTES + sum(map(len, array.flat))
