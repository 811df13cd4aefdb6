"""`--batching_parameters_file`: TF-Serving's `BatchingParameters` as a text proto.

`tensorflow-serving-api` ships no class for this message, so its fields are declared
here, after `servables/tensorflow/session_bundle_config.proto` of tensorflow/serving.
"""

import os
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import BoolValue, Int64Value, StringValue

from fitrank_tf.core.errors import FitRankError
from serving.process.text_proto import REPEATED_INT64, message_classes, read_text_proto

_FIELDS: dict[str, object] = {
    "max_batch_size": Int64Value,
    "batch_timeout_micros": Int64Value,
    "max_enqueued_batches": Int64Value,
    "num_batch_threads": Int64Value,
    "thread_pool_name": StringValue,
    "allowed_batch_sizes": REPEATED_INT64,
    "pad_variable_length_inputs": bool,
    "enable_large_batch_splitting": BoolValue,
    "max_execution_batch_size": Int64Value,
}
_BATCHING_PARAMETERS = message_classes(
    "tensorflow_serving/servables/tensorflow/session_bundle_config.proto",
    {"BatchingParameters": _FIELDS},
)["BatchingParameters"]


@dataclass(frozen=True)
class BatchingParameters:
    """How concurrent requests are merged into batches; defaults are TF-Serving's.

    Attributes:
        max_batch_size: the most rows of a batch, and of a request without splitting.
        batch_timeout_micros: how long a batch that is not full waits for more rows, in
            microseconds; with 0 it waits only for a free thread.
        max_enqueued_batches: the most batches of a signature that wait for a thread.
        num_batch_threads: threads that run batches, one batch each.
        thread_pool_name: name of those threads.
        allowed_batch_sizes: a batch is padded to the next of these sizes; empty allows
            any size.
        pad_variable_length_inputs: whether inputs that differ in another dimension than
            the first are padded to the largest, with their first element.
        enable_large_batch_splitting: whether a request may be split over several
            batches.
        max_execution_batch_size: the most rows of a batch with splitting; None means the
            last allowed size, or `max_batch_size` where none is given.

    Raises:
        FitRankError: a number is out of range, or the allowed sizes do not increase up
            to the size of a full batch.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    thread_pool_name: str = "batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            if getattr(self, name) < 1:
                raise FitRankError(f"{name} is {getattr(self, name)}: give at least 1")
        if self.batch_timeout_micros < 0:
            raise FitRankError(
                f"batch_timeout_micros is {self.batch_timeout_micros}: give 0 or more"
            )
        if not 1 <= self.full_batch <= self.max_batch_size:
            raise FitRankError(
                f"max_execution_batch_size is {self.full_batch}: give a size from 1 to "
                f"max_batch_size, {self.max_batch_size}"
            )
        self._check_allowed_sizes()

    @property
    def full_batch(self) -> int:
        """The number of rows of a full batch."""
        if not self.enable_large_batch_splitting:
            return self.max_batch_size
        if self.max_execution_batch_size is not None:
            return self.max_execution_batch_size
        return next(reversed(self.allowed_batch_sizes), self.max_batch_size)

    def padded(self, rows: int) -> int:
        """The size to which a batch of `rows` is padded."""
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)

    def _check_allowed_sizes(self) -> None:
        sizes = self.allowed_batch_sizes
        if not sizes:
            return
        if sizes[0] < 1 or any(low >= high for low, high in pairwise(sizes)):
            raise FitRankError(
                f"allowed_batch_sizes is {list(sizes)}: give rising sizes from 1"
            )
        if sizes[-1] != self.full_batch:
            raise FitRankError(
                "Last entry in allowed_batch_sizes must match max_batch_size (with "
                "enable_large_batch_splitting max_execution_batch_size); last entry was "
                f"{sizes[-1]}; expected {self.full_batch}"
            )


def batching_from_flags(
    enable_batching: bool, batching_parameters_file: str | None
) -> BatchingParameters | None:
    """The batching parameters that the flags select.

    Args:
        enable_batching: `--enable_batching`.
        batching_parameters_file: `--batching_parameters_file`; empty or None for none.

    Returns:
        The parameters; None without batching.

    Raises:
        FitRankError: a file is given without the flag, or cannot be used.
    """
    if not enable_batching and batching_parameters_file:
        raise FitRankError(
            f"--batching_parameters_file={batching_parameters_file} without "
            "--enable_batching: give both"
        )
    if not enable_batching:
        return None
    if not batching_parameters_file:
        return BatchingParameters()
    return read_batching_parameters(Path(batching_parameters_file))


def read_batching_parameters(path: Path) -> BatchingParameters:
    """Reads and checks a file of `BatchingParameters`.

    Raises:
        FitRankError: the file cannot be read, is not a `BatchingParameters` message, or
            holds values that TF-Serving rejects.
    """
    message = read_text_proto(path, _BATCHING_PARAMETERS(), "--batching_parameters_file")
    given: dict[str, Any] = {
        field.name: _value(message, field.name) for field in fields(BatchingParameters)
    }
    try:
        return BatchingParameters(**{k: v for k, v in given.items() if v is not None})
    except FitRankError as error:
        raise FitRankError(f"{path}: {error}") from error


def _value(message: Message, name: str) -> object:
    """A field's value; None where it is not set."""
    kind = _FIELDS[name]
    if kind is REPEATED_INT64:
        return tuple(getattr(message, name))
    if kind is bool:
        return getattr(message, name)
    return getattr(message, name).value if message.HasField(name) else None
