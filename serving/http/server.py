"""The HTTP port: uvicorn, with deadlines that no slow client can stretch.

uvicorn's parser on h11 refuses what another server could read differently: two lengths of a
body, blanks before a colon, bare line feeds. What uvicorn leaves open is closed here: it
limits the pause between two requests, not the time that one may take to arrive, and it
answers malformed requests in plain text.
"""

import asyncio
import contextlib
import json
import socket
import sys
import time
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from fitrank_tf.core.errors import FitRankError
from serving.process.options import ServerOptions

# How long the line and the headers of a request may take to arrive, and how long a
# connection may do nothing before or after them.
_HEADER_SECONDS = 10.0
_IDLE_SECONDS = 60

# How long a client may read nothing of a response.
_WRITE_SECONDS = 60.0

# How long a client may go on sending after it was refused.
_LINGER_SECONDS = 1.0

_MAX_HEADER_BYTES = 64 * 1024

# Beyond that the connection that has been waiting for its request for longest is closed.
_MAX_CONNECTIONS = 512
_LISTEN_BACKLOG = 1024

_POLL_SECONDS = 0.02


class HttpServer:
    """Serves an ASGI application over HTTP/1.1 in the running event loop.

    Attributes:
        port: the TCP port.
    """

    def __init__(self, options: ServerOptions, port: int, app: ASGIApp) -> None:
        """Listens, but accepts no connection before `start`.

        Args:
            options: the address and the certificate.
            port: TCP port; 0 takes a free one.
            app: makes the response to a request.

        Raises:
            FitRankError: the address cannot be listened on.
        """
        self._socket = _listen(options.bind_address, port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            http=HttpConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            headers=[("Server", "FitRank-TF")],
            proxy_headers=False,
            backlog=_LISTEN_BACKLOG,
            timeout_keep_alive=_IDLE_SECONDS,
            h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
        )
        config.load()
        config.ssl = options.tls.ssl_context() if options.tls else None
        self._server = uvicorn.Server(config)
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to accept connections."""
        self._serving = asyncio.create_task(self._server.serve([self._socket]))
        while not self._server.started:
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self, seconds: float | None) -> bool:
        """Closes the port and finishes the requests in progress.

        Args:
            seconds: the longest to wait for them; None does not wait.

        Returns:
            Whether all of them were finished.
        """
        assert self._serving is not None
        self._server.should_exit = True
        state = self._server.server_state
        until = time.monotonic() + (seconds or 0.0)
        # uvicorn looks at `should_exit` ten times a second.
        while not self._serving.done() and time.monotonic() < until:
            await asyncio.sleep(_POLL_SECONDS)
        finished = not state.tasks
        self._server.force_exit = True
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await self._serving
        return finished


class HttpConnection(H11Protocol):
    """One connection, which may carry several requests."""

    waiting_since: float
    _deadline: asyncio.TimerHandle | None = None
    _is_refused = False

    @property
    def is_answering(self) -> bool:
        """Whether a request has arrived as a whole, and has no complete response yet."""
        return self._has_request and not self.cycle.more_body

    @property
    def _has_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Makes room if there are too many, and starts the time for the headers."""
        if len(self.connections) >= _MAX_CONNECTIONS:
            self._make_room()
        super().connection_made(transport)
        self.waiting_since = time.monotonic()
        self._set_deadline(_HEADER_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Starts the time for the headers with their first byte, and ends it with them."""
        if self._is_refused:
            return
        super().data_received(data)
        if self._has_request:
            self._set_deadline(None)
        elif self._deadline is None:
            self._set_deadline(_HEADER_SECONDS)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Still answers a client that has sent a whole request and closed its side."""
        if self._is_refused or not self._has_request:
            return False
        if self.cycle.more_body:
            self._refuse(400, "the body is shorter than Content-Length says")
            return False
        self.cycle.keep_alive = False
        # Under TLS both sides close at once.
        return self.scheme == "http"

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the deadlines too."""
        self._set_deadline(None)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Waits for the next request."""
        self.waiting_since = time.monotonic()
        super().on_response_complete()

    def shutdown(self) -> None:
        """Tells the client of a request in progress that the connection will close."""
        super().shutdown()
        if self._has_request:
            self.cycle.default_headers = [
                *self.cycle.default_headers,
                (b"Connection", b"close"),
            ]

    def pause_writing(self) -> None:
        """Gives up a client that does not read its response."""
        super().pause_writing()
        self._deadline = self.loop.call_later(_WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Ends the time that a client has to read."""
        super().resume_writing()
        self._set_deadline(None)

    def send_400_response(self, msg: str) -> None:
        """Answers a malformed request, with JSON and the status that h11 proposes."""
        error = sys.exc_info()[1]
        code = getattr(error, "error_status_hint", 400)
        if code == 431 and b"\n" not in bytes(self.conn.trailing_data[0]):
            code = 414
        self._refuse(code, f"malformed request: {error or msg}")

    def _refuse(self, code: int, message: str) -> None:
        """Sends an error, unless another response is due, and closes the connection."""
        if self.is_answering:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        if self._has_request:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": message}).encode()
            headers = [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
            ]
            events: list[Any] = [
                h11.Response(status_code=code, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ]
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
        self._set_deadline(None)
        if self.transport.can_write_eof():
            # A close with unread bytes would reset the connection, and lose the answer.
            self._is_refused = True
            self.transport.write_eof()
            self.loop.call_later(_LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self._refuse(408, f"no whole request within {_HEADER_SECONDS:g} s")

    def _make_room(self) -> None:
        """Closes the connection that has been waiting for a request for longest.

        Clients that send a byte a second could otherwise occupy all connections.
        """
        waiting: list[HttpConnection] = [
            one
            for one in self.connections
            if isinstance(one, HttpConnection) and not one.is_answering
        ]
        if waiting:
            oldest = min(waiting, key=lambda one: one.waiting_since)
            self.connections.discard(oldest)
            oldest.transport.abort()


def _listen(bind_address: str, port: int) -> socket.socket:
    host = bind_address.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as failed:
        try:
            # Without a protocol asyncio leaves Nagle's algorithm on, and each answer on a
            # kept connection waits 40 ms for an acknowledgement.
            tcp = socket.socket(family, proto=socket.IPPROTO_TCP)
            listener = failed.enter_context(tcp)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(_LISTEN_BACKLOG)
        except OSError as error:
            raise FitRankError(
                f"cannot listen on {bind_address}:{port} ({error}): stop what listens "
                "there, or give another --rest_api_port or --bind_address"
            ) from error
        failed.pop_all()
    return listener
