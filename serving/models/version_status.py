"""What `GetModelStatus` says of a version, and what a listener is told of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import grpc
import tensorflow as tf

from serving.status import StatusError

_UNKNOWN = grpc.StatusCode.UNKNOWN.value[0]


class VersionState(IntEnum):
    """The states of TF-Serving's `ModelVersionStatus`, with its numbers."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class VersionStatus:
    """The state of one version of a model.

    Attributes:
        version: its number.
        state: END is either unloaded or failed; only the latter has an error.
        error_code: number of a gRPC status code; 0 is OK.
        error_message: why it could not be loaded; "" where it could.
    """

    version: int
    state: VersionState
    error_code: int = 0
    error_message: str = ""


@dataclass(frozen=True)
class ModelEvent:
    """A version of the model `name` came into a new state.

    Attributes:
        name: the model.
        status: its version, new state and error.
        seconds: how long the load took, warm-up included, that ended in AVAILABLE or
            in an END with an error; 0 for other events.
    """

    name: str
    status: VersionStatus
    seconds: float = 0.0


# Called by the thread that loads, so it has to return soon and must not raise.
ModelListener = Callable[[ModelEvent], None]


def error_code_of(error: BaseException) -> int:
    """The number of the gRPC status code that an error, or what caused it, stands for."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, StatusError):
            return cause.code.value[0]
        if isinstance(cause, tf.errors.OpError):
            return cause.error_code
        cause = cause.__cause__
    return _UNKNOWN
