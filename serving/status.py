"""Errors of a request, as the gRPC status codes that TF-Serving answers with."""

import functools
from collections.abc import Callable
from typing import Any

import grpc
import tensorflow as tf

_CODES = {code.value[0]: code for code in grpc.StatusCode}

# TF-Serving cuts here too; gRPC itself drops a status whose text fills a header frame.
_MAX_MESSAGE_LENGTH = 1024

# What a graph error says before the op's own words, for a graph that was loaded.
_GRAPH_ERROR_PREAMBLE_END = "<stack traces unavailable>\n"


class StatusError(Exception):
    """A request that cannot be answered.

    Attributes:
        code: the gRPC status code of the answer.
        message: its text.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


# What a request may fail with; any other exception is a bug.
REQUEST_ERRORS = (StatusError, tf.errors.OpError)


def status_of(error: StatusError | tf.errors.OpError) -> tuple[grpc.StatusCode, str]:
    """The status code and the text, cut to TF-Serving's length, of a failed request.

    TensorFlow numbers its error codes as gRPC does.
    """
    if isinstance(error, StatusError):
        return error.code, _cut(error.message)
    message = error.message.rpartition(_GRAPH_ERROR_PREAMBLE_END)[2]
    return _CODES[error.error_code], _cut(message)


def code_name(number: int) -> str:
    """The name of a status code, as "NOT_FOUND" for 5."""
    return _CODES[number].name


def answers_with_status(method: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a servicer's method answer `REQUEST_ERRORS` by code.

    Any other exception gRPC logs with its traceback and answers as UNKNOWN.
    """

    @functools.wraps(method)
    def answer(self: object, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except REQUEST_ERRORS as error:
            code, message = status_of(error)
        return context.abort(code, message)

    return answer


def invalid_argument(message: str) -> StatusError:
    """An INVALID_ARGUMENT, to raise."""
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


def _cut(message: str) -> str:
    if len(message) <= _MAX_MESSAGE_LENGTH:
        return message
    return message[:_MAX_MESSAGE_LENGTH] + "...TRUNCATED"
