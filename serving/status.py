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


def answers_with_status(method: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a servicer's method answer `StatusError` and TensorFlow's errors by code.

    TensorFlow numbers its error codes as gRPC does. Any other exception is a bug,
    which gRPC logs with its traceback and answers as UNKNOWN.
    """

    @functools.wraps(method)
    def answer(self: object, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except StatusError as error:
            code, message = error.code, error.message
        except tf.errors.OpError as error:
            code = _CODES[error.error_code]
            message = error.message.rpartition(_GRAPH_ERROR_PREAMBLE_END)[2]
        return context.abort(code, _cut(message))

    return answer


def _cut(message: str) -> str:
    if len(message) <= _MAX_MESSAGE_LENGTH:
        return message
    return message[:_MAX_MESSAGE_LENGTH] + "...TRUNCATED"
