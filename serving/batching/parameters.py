"""`--batching_parameters_file`: TF-Serving's `BatchingParameters` as a text proto.

`tensorflow-serving-api` ships no class for the message, so that its fields are declared
here, after `servables/tensorflow/session_bundle_config.proto` of tensorflow/serving.
"""

import os
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

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
    """How requests that wait at the same time are run as one; defaults of TF-Serving.

    Attributes:
        max_batch_size: rows of a batch at most, and of a request without splitting.
        batch_timeout_micros: how long a batch that is not full waits for more, in
            microseconds; with 0 it waits only for a free thread.
        max_enqueued_batches: batches that may wait for a thread, for each signature.
        num_batch_threads: batches that are run at once.
        thread_pool_name: name of those threads.
        allowed_batch_sizes: a batch is padded to the next of these; none is any size.
        pad_variable_length_inputs: pad inputs that differ in another dimension than
            the first, with their first element, to the largest of the batch.
        enable_large_batch_splitting: spread a request over several batches.
        max_execution_batch_size: with splitting, rows of a batch at most; None is the
            last allowed size, or `max_batch_size`.

    Raises:
        FitRankError: a number is out of range, or the allowed sizes do not rise to the
            size of a full batch.
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
        """Rows of a batch that takes no more."""
        if not self.enable_large_batch_splitting:
            return self.max_batch_size
        if self.max_execution_batch_size is not None:
            return self.max_execution_batch_size
        return next(reversed(self.allowed_batch_sizes), self.max_batch_size)

    def padded(self, rows: int) -> int:
        """The rows with which a batch of `rows` is run."""
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


def batching_of_flags(
    enable_batching: bool, batching_parameters_file: str | None
) -> BatchingParameters | None:
    """What `--enable_batching` and `--batching_parameters_file` ask for; None is nothing.

    Raises:
        FitRankError: there is a file without the flag, or the file cannot be used.
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
        FitRankError: the file cannot be read, is no such message, or holds parameters
            that TF-Serving refuses.
    """
    message = read_text_proto(path, _BATCHING_PARAMETERS(), "--batching_parameters_file")
    given = {
        field.name: _value(message, field.name) for field in fields(BatchingParameters)
    }
    try:
        return BatchingParameters(**{k: v for k, v in given.items() if v is not None})
    except FitRankError as error:
        raise FitRankError(f"{path}: {error}") from error


def _value(message: Message, name: str) -> object:
    """A field as Python has it; None where it is not set."""
    kind = _FIELDS[name]
    if kind is REPEATED_INT64:
        return tuple(getattr(message, name))
    if kind is bool:
        return getattr(message, name)
    return getattr(message, name).value if message.HasField(name) else None
