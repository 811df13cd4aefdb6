"""`--batching_parameters_file`: TF-Serving's `BatchingParameters` as a text proto.

`tensorflow-serving-api` ships no class for the message, so that its fields are declared
here, after `servables/tensorflow/session_bundle_config.proto` of tensorflow/serving.
"""

import os
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

from google.protobuf import descriptor_pool, message_factory, text_format, wrappers_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import Message

from fitrank_tf.errors import FitRankError

_PACKAGE = "tensorflow.serving"
_MESSAGE = "BatchingParameters"

# Field -> (number, type): a wrapper message of protobuf, or a plain type.
_FIELDS: dict[str, tuple[int, str]] = {
    "max_batch_size": (1, "Int64Value"),
    "batch_timeout_micros": (2, "Int64Value"),
    "max_enqueued_batches": (3, "Int64Value"),
    "num_batch_threads": (4, "Int64Value"),
    "thread_pool_name": (5, "StringValue"),
    "allowed_batch_sizes": (6, "repeated int64"),
    "pad_variable_length_inputs": (7, "bool"),
    "enable_large_batch_splitting": (8, "BoolValue"),
    "max_execution_batch_size": (9, "Int64Value"),
}


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
    message = _message_class()()
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), message)
    except (OSError, UnicodeDecodeError) as error:
        raise FitRankError(
            f"{path}: cannot be read ({error}): check --batching_parameters_file"
        ) from error
    except text_format.ParseError as error:
        raise FitRankError(f"{path}:{error}: write it as {_MESSAGE}") from error
    given = {
        field.name: _value(message, field.name) for field in fields(BatchingParameters)
    }
    try:
        return BatchingParameters(**{k: v for k, v in given.items() if v is not None})
    except FitRankError as error:
        raise FitRankError(f"{path}: {error}") from error


def _value(message: Message, name: str) -> object:
    """A field as Python has it; None where it is not set."""
    kind = _FIELDS[name][1]
    if kind == "repeated int64":
        return tuple(getattr(message, name))
    if kind == "bool":
        return getattr(message, name)
    return getattr(message, name).value if message.HasField(name) else None


def _message_class() -> type[Message]:
    wrappers = FileDescriptorProto()
    wrappers_pb2.DESCRIPTOR.CopyToProto(wrappers)
    file = FileDescriptorProto(
        name="batching_parameters.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[wrappers.name],
    )
    message = file.message_type.add(name=_MESSAGE)
    for name, (number, kind) in _FIELDS.items():
        message.field.add(name=name, number=number, **_field_type(kind))
    # A pool of our own: a process that also loads TF-Serving's file has no conflict.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(wrappers)
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"{_PACKAGE}.{_MESSAGE}")
    )


def _field_type(kind: str) -> dict[str, object]:
    proto = FieldDescriptorProto
    if kind == "bool":
        return {"label": proto.LABEL_OPTIONAL, "type": proto.TYPE_BOOL}
    if kind == "repeated int64":
        return {"label": proto.LABEL_REPEATED, "type": proto.TYPE_INT64}
    return {
        "label": proto.LABEL_OPTIONAL,
        "type": proto.TYPE_MESSAGE,
        "type_name": f".google.protobuf.{kind}",
    }
