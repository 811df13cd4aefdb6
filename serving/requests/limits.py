"""Limits of a single request. TF-Serving has only gRPC's limit of 2 GiB."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from fitrank_tf.core.errors import FitRankError
from serving.status import StatusError

_MIB = 1024 * 1024
_UNLIMITED = 0

# gRPC counts a message's bytes in an int32, and takes -1 for "no limit".
_MAX_GRPC_BYTES = 2**31 - 1
_GRPC_UNLIMITED = -1


@dataclass(frozen=True)
class Limits:
    """The most that one request may contain; 0 lifts a limit.

    Attributes:
        max_request_bytes: bytes of a gRPC message or an uncompressed HTTP body.
        max_request_batch: rows of an input, its first dimension.
        max_string_bytes: bytes of one string, such as an encoded photo.

    Raises:
        FitRankError: a limit is negative or above gRPC's 2 GiB.
    """

    max_request_bytes: int = 256 * _MIB
    max_request_batch: int = 1024 * 1024
    max_string_bytes: int = 32 * _MIB

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
        if self._is_above(size, self.max_request_bytes):
            raise StatusError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"the request has {size} bytes, the limit is {self.max_request_bytes}: "
                "send it in parts, or start the server with a higher --max_request_bytes",
            )

    def check_size(self, alias: str, proto: TensorProto) -> None:
        """Checks the size of a tensor before it is decoded.

        A TensorProto with one value may state a shape of billions.

        Args:
            alias: the input's name, for the error message.
            proto: the tensor.

        Raises:
            StatusError: INVALID_ARGUMENT, the tensor would exceed `max_request_bytes`.
        """
        size = math.prod(max(0, dim.size) for dim in proto.tensor_shape.dim)
        if self._is_above(size * _size_of(proto.dtype), self.max_request_bytes):
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"input {alias} has {size} values, which take more than the limit of "
                f"{self.max_request_bytes} bytes: send it in parts, or start the server "
                "with a higher --max_request_bytes",
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
            if array.ndim and self._is_above(len(array), self.max_request_batch):
                raise StatusError(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    f"input {alias} has {len(array)} rows, the limit is "
                    f"{self.max_request_batch}: send them in several requests, or start "
                    "the server with a higher --max_request_batch",
                )
            if array.dtype == object and self.max_string_bytes != _UNLIMITED:
                self._check_strings(alias, array)

    def _check_strings(self, alias: str, array: np.ndarray) -> None:
        longest = max(map(len, array.flat), default=0)
        if longest > self.max_string_bytes:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"input {alias} has a string of {longest} bytes, the limit is "
                f"{self.max_string_bytes}: shorten it, or start the server with a higher "
                "--max_string_bytes",
            )

    @staticmethod
    def _is_above(value: int, limit: int) -> bool:
        return limit != _UNLIMITED and value > limit


def _size_of(enum: int) -> int:
    """Bytes of one value; 1 for a dtype without a fixed size or an unknown one."""
    try:
        return tf.dtypes.as_dtype(enum).size or 1
    except TypeError:
        return 1
