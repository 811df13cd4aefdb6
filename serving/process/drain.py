"""The first step of a stop: new gRPC calls are refused as UNAVAILABLE."""

import threading
from collections.abc import Callable
from typing import Any

import grpc


class DrainInterceptor(grpc.ServerInterceptor):
    """Refuses each call that arrives after `begin`, as UNAVAILABLE.

    Without it a call that arrives while the server stops would end as CANCELLED, which
    clients do not retry.
    """

    def __init__(self) -> None:
        self._draining = threading.Event()
        self._refusal = grpc.unary_unary_rpc_method_handler(_refuse)

    def begin(self) -> None:
        """Refuses new calls from now on; calls in progress continue."""
        self._draining.set()

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """The method's own handler, or the one that refuses the call."""
        if self._draining.is_set():
            return self._refusal
        return continuation(handler_call_details)


def _refuse(request: Any, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.UNAVAILABLE, "the server is stopping: ask another one")
