"""What one request may ask for: ours, TF-Serving has only gRPC's 2 GiB."""

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
    """The most that one request may hold; 0 lifts a limit.

    Attributes:
        max_request_bytes: bytes of a gRPC message or of an HTTP body, unpacked.
        max_request_batch: rows, the first dimension of an input.
        max_string_bytes: bytes of one string, as a photo.
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
        """`max_request_bytes` as gRPC's channel argument has it."""
        return self.max_request_bytes or _GRPC_UNLIMITED

    def check_bytes(self, size: int) -> None:
        """Refuses an HTTP body of `size` bytes; gRPC refuses its messages itself."""
        if self._is_above(size, self.max_request_bytes):
            raise StatusError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"the request has {size} bytes, the limit is {self.max_request_bytes}: "
                "send it in parts, or start the server with a higher --max_request_bytes",
            )

    def check_size(self, alias: str, proto: TensorProto) -> None:
        """Refuses a tensor that would outgrow the request that it came in.

        A TensorProto may hold one value and a shape of billions.

        Raises:
            StatusError: INVALID_ARGUMENT.
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
        """Refuses inputs with too many rows or too long a string.

        Raises:
            StatusError: INVALID_ARGUMENT, names the input, the limit and the mend.
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
    """Bytes of one value; 1 for what has no fixed size or is no dtype."""
    try:
        return tf.dtypes.as_dtype(enum).size or 1
    except TypeError:
        return 1
