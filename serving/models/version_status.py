"""The states of a model's version, and the events that report their changes."""

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
        version: the version's number.
        state: END means either unloaded or failed to load, which has an error.
        error_code: number of the gRPC status code of a failed load; 0 for OK.
        error_message: why the load failed; "" if it did not.
    """

    version: int
    state: VersionState
    error_code: int = 0
    error_message: str = ""


@dataclass(frozen=True)
class ModelEvent:
    """A change of the state of a model's version.

    Attributes:
        name: the model's name.
        status: the version, its new state and error.
        seconds: duration of the load that ended, warm-up included; 0 if no load ended.
    """

    name: str
    status: VersionStatus
    seconds: float = 0.0


# Called by the loading thread, so it has to return soon and must not raise.
ModelListener = Callable[[ModelEvent], None]


def error_code_of(error: BaseException) -> int:
    """The number of the gRPC status code of an error or of its cause; UNKNOWN if none."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, StatusError):
            return cause.code.value[0]
        if isinstance(cause, tf.errors.OpError):
            return cause.error_code
        cause = cause.__cause__
    return _UNKNOWN
