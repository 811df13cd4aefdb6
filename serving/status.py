"""Errors of a request, as the gRPC status codes that TF-Serving returns."""

import grpc
import tensorflow as tf

_CODES = {code.value[0]: code for code in grpc.StatusCode}

# TF-Serving cuts at this length too; gRPC drops a status whose text fills a header frame.
_MAX_MESSAGE_LENGTH = 1024

# Precedes the op's own message in an error of a loaded graph.
_GRAPH_ERROR_PREAMBLE_END = "<stack traces unavailable>\n"


class StatusError(Exception):
    """A request that failed.

    Attributes:
        code: the gRPC status code of the response.
        message: the text of the status.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


# The exceptions of a failed request; any other exception is a bug.
REQUEST_ERRORS = (StatusError, tf.errors.OpError)


def status_of(error: StatusError | tf.errors.OpError) -> tuple[grpc.StatusCode, str]:
    """The status code of a failed request, and its text, cut to TF-Serving's length.

    TensorFlow and gRPC number their status codes alike.
    """
    if isinstance(error, StatusError):
        return error.code, _cut(error.message)
    message = error.message.rpartition(_GRAPH_ERROR_PREAMBLE_END)[2]
    return _CODES[error.error_code], _cut(message)


def code_name(number: int) -> str:
    """The name of a status code, such as "NOT_FOUND" for 5."""
    return _CODES[number].name


def invalid_argument(message: str) -> StatusError:
    """A `StatusError` with the code INVALID_ARGUMENT."""
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


def resource_exhausted(message: str) -> StatusError:
    """A `StatusError` with the code RESOURCE_EXHAUSTED."""
    return StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, message)


def _cut(message: str) -> str:
    # Half a surrogate pair, which JSON may hold, has no encoding.
    message = message.encode(errors="replace").decode()
    if len(message) <= _MAX_MESSAGE_LENGTH:
        return message
    return message[:_MAX_MESSAGE_LENGTH] + "...TRUNCATED"
