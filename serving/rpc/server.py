"""The gRPC port: its server, who is let in, and its stop."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc

from fitrank_tf.core.errors import FitRankError
from serving.process.auth_token import HEADER, REFUSAL, AuthToken
from serving.process.options import ServerOptions
from serving.rpc.services import Services, add_health_service

_UNLIMITED = -1

# Further calls are refused as RESOURCE_EXHAUSTED, so that they do not fill the memory.
_MAX_CALLS = 2000

# How long new calls are refused before the port closes: calls already sent arrive within
# this time, and their clients learn to retry on another server.
_REFUSAL_SECONDS = 0.25


class GrpcServer:
    """Serves `Services` over gRPC; all methods run in the event loop.

    Attributes:
        port: the TCP port.
    """

    def __init__(self, options: ServerOptions, services: Services) -> None:
        """Listens, but accepts no call before `start`.

        Raises:
            FitRankError: the address cannot be listened on.
        """
        self._options = options
        self._gate = _Gate(options.token)
        self._health = None
        arguments = {
            "grpc.max_receive_message_length": options.limits.grpc_message_bytes,
            "grpc.max_send_message_length": _UNLIMITED,
            # Otherwise Linux lets two servers share a port, each gets half the requests.
            "grpc.so_reuseport": 0,
            **dict(options.grpc_channel_arguments),
        }
        self._server = grpc.aio.server(
            interceptors=[self._gate],
            options=list(arguments.items()),
            maximum_concurrent_rpcs=_MAX_CALLS,
        )
        services.add_to(self._server)
        self.port = self._listen()

    async def start(self) -> None:
        """Begins to accept calls."""
        if self._options.enable_grpc_healthcheck_service:
            self._health = await add_health_service(self._server)
        await self._server.start()

    async def stop(self, seconds: float | None) -> None:
        """Refuses new calls, closes the port and finishes the calls in progress.

        Args:
            seconds: the longest to wait for them; None does not wait.
        """
        if self._health is not None:
            await self._health.enter_graceful_shutdown()
        if seconds:
            self._gate.is_draining = True
            await asyncio.sleep(min(seconds, _REFUSAL_SECONDS))
        await self._server.stop(seconds)

    def _listen(self) -> int:
        address = f"{self._options.bind_address}:{self._options.port}"
        try:
            if self._options.tls is None:
                return self._server.add_insecure_port(address)
            credentials = self._options.tls.grpc_credentials()
            return self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise FitRankError(
                f"cannot listen on {address}: stop what listens there, or give another "
                "--port or --bind_address"
            ) from error


class _Gate(grpc.aio.ServerInterceptor):
    """Refuses calls without the token, and calls that arrive during a drain.

    Attributes:
        is_draining: whether new calls are refused as UNAVAILABLE. Without that a call that
            arrives while the server stops would end as CANCELLED, which no client retries.
    """

    def __init__(self, token: AuthToken | None) -> None:
        self.is_draining = False
        self._token = token

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """The method's own handler, or one that refuses the call."""
        if self.is_draining:
            message = "the server is stopping: ask another one"
            return _refusal(grpc.StatusCode.UNAVAILABLE, message)
        if self._token is not None:
            headers = dict(handler_call_details.invocation_metadata)
            if not self._token.admits(headers.get(HEADER)):
                return _refusal(grpc.StatusCode.UNAUTHENTICATED, REFUSAL)
        return await continuation(handler_call_details)


def _refusal(code: grpc.StatusCode, message: str) -> grpc.RpcMethodHandler:
    async def refuse(content: bytes, context: grpc.aio.ServicerContext) -> None:
        await context.abort(code, message)

    return grpc.unary_unary_rpc_method_handler(refuse)
