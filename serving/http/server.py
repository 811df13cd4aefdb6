"""The HTTP side of the REST port: connections, bodies, TLS, the token and the drain.

On Python's `http.server`, because a call waits in TensorFlow and so holds a thread anyway;
the limits, timeouts and the drain that `http.server` lacks are here.
"""

import concurrent.futures
import gzip
import http.server
import logging
import socket
import socketserver
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import grpc

from fitrank_tf.core.errors import FitRankError
from serving.http.rest_api import HttpResponse, error_response, status_response
from serving.process.auth_token import HEADER, REFUSAL, AuthToken
from serving.requests.limits import Limits
from serving.status import StatusError, invalid_argument

# Each connection occupies a thread, so their number and their idle time are bounded.
_MAX_CONNECTIONS = 1000
_IDLE_SECONDS = 60
_LISTEN_BACKLOG = 128
_ACCEPT_POLL_SECONDS = 0.05

# Below this size compression costs more than it saves.
_MIN_GZIP_BYTES = 1024
_GZIP_LEVEL = 1
_GZIP_WINDOW = 16 + zlib.MAX_WBITS

logger = logging.getLogger(__name__)

# (method, path, body) -> response
RequestHandler = Callable[[str, str, bytes], HttpResponse]


@dataclass(frozen=True)
class HttpOptions:
    """Where and how the HTTP server listens.

    Attributes:
        bind_address: IPv4 or IPv6 address to listen on.
        port: TCP port; 0 takes a free one.
        num_threads: requests handled concurrently.
        timeout_in_ms: the longest that a request may take, queueing included, in
            milliseconds; 0 or less sets no limit. A running op is not interrupted.
    """

    bind_address: str
    port: int
    num_threads: int
    timeout_in_ms: int = 30_000

    @property
    def timeout(self) -> float | None:
        """The timeout in seconds; None for no limit."""
        return self.timeout_in_ms / 1000 if self.timeout_in_ms > 0 else None


class HttpServer:
    """Serves HTTP from its creation until `stop`.

    Attributes:
        port: the TCP port.
    """

    def __init__(
        self,
        options: HttpOptions,
        handler: RequestHandler,
        limits: Limits,
        token: AuthToken | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Starts the server.

        Args:
            options: where and how to listen.
            handler: makes the response to a request; called by several threads.
            limits: the largest body accepted.
            token: the token that every request must carry; None requires none.
            ssl_context: the server's certificate; None for plain HTTP.

        Raises:
            FitRankError: the address cannot be listened on.
        """
        self._workers = concurrent.futures.ThreadPoolExecutor(
            options.num_threads, thread_name_prefix="rest"
        )
        self._listener = _listener(
            options, _Requests(options, handler, limits, token, self._workers), ssl_context
        )
        self.port: int = self._listener.server_address[1]
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(_ACCEPT_POLL_SECONDS,), daemon=True
        )
        self._thread.start()

    def stop(self, seconds: float | None) -> bool:
        """Closes the port and finishes the requests in progress.

        Args:
            seconds: the longest to wait for them; None does not wait.

        Returns:
            Whether all of them were finished.
        """
        self._listener.draining.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()
        finished = self._listener.wait_until_idle(seconds or 0.0)
        self._listener.close_connections()
        self._workers.shutdown(wait=False, cancel_futures=True)
        return finished


class _Requests:
    """Runs requests on the worker threads, within the timeout and the limits."""

    def __init__(
        self,
        options: HttpOptions,
        handler: RequestHandler,
        limits: Limits,
        token: AuthToken | None,
        workers: concurrent.futures.Executor,
    ) -> None:
        self._timeout = options.timeout
        self._handler = handler
        self._token = token
        self._workers = workers
        self.limits = limits

    def admits(self, authorization: str | None) -> bool:
        """Whether a request with this `authorization` header is admitted."""
        return self._token is None or self._token.admits(authorization)

    def respond(self, method: str, path: str, body: bytes) -> HttpResponse:
        """The handler's response, or DEADLINE_EXCEEDED after the timeout."""
        work = self._workers.submit(self._handler, method, path, body)
        try:
            return work.result(self._timeout)
        except concurrent.futures.TimeoutError:
            work.cancel()
            return status_response(
                StatusError(
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                    f"no answer within {self._timeout:g} s: send less at once, or start "
                    "the server with a longer --rest_api_timeout_in_ms",
                )
            )


class _Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Accepts connections, one thread each, and counts the requests in progress."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = _LISTEN_BACKLOG

    def __init__(
        self,
        address: tuple[str, int],
        requests: _Requests,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        self.requests = requests
        self.draining = threading.Event()
        self._ssl_context = ssl_context
        self._connections: set[socket.socket] = set()
        self._in_progress = 0
        self._changed = threading.Condition()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own method resolves the host's name, which can be slow.
        socketserver.TCPServer.server_bind(self)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._ssl_context is not None:
            # The connection's thread does the handshake: here it would block all others.
            connection = self._ssl_context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        with self._changed:
            if len(self._connections) >= _MAX_CONNECTIONS:
                logger.warning("connection refused: %d are open", _MAX_CONNECTIONS)
                return False
            self._connections.add(request)
            return True

    def shutdown_request(self, request: Any) -> None:
        with self._changed:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("connection of %s ended", client_address, exc_info=True)

    @contextmanager
    def work(self) -> Iterator[None]:
        """Counts the block as a request in progress, which a drain waits for."""
        with self._changed:
            self._in_progress += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_progress -= 1
                self._changed.notify_all()

    def wait_until_idle(self, seconds: float) -> bool:
        """Waits until no request is in progress; False if that takes too long."""
        deadline = time.monotonic() + seconds
        with self._changed:
            return self._changed.wait_for(
                lambda: self._in_progress == 0, max(0.0, deadline - time.monotonic())
            )

    def close_connections(self) -> None:
        """Closes all open connections."""
        with self._changed:
            connections = list(self._connections)
        for connection in connections:
            super().shutdown_request(connection)


class _ListenerV6(_Listener):
    address_family = socket.AF_INET6


class _Handler(http.server.BaseHTTPRequestHandler):
    """Handles one connection, which may carry several requests."""

    server: _Listener
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    # Headers and body leave in one packet; the base class flushes after each request.
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.do_handshake()

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        """Sends the base class's errors about malformed HTTP requests as JSON."""
        self.close_connection = True
        self._send(error_response(int(code), message or explain or "bad request"))

    def version_string(self) -> str:
        """The Server header, without the versions of Python and its library."""
        return "FitRank-TF"

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)

    def _handle(self) -> None:
        with self.server.work():
            self._send(self._response())
            # Before the request counts as finished: a drain then ends the process.
            self.wfile.flush()

    def handle_expect_100(self) -> bool:
        """Rejects a body before it is sent, for clients that send `Expect`."""
        try:
            self._check_head()
        except StatusError as error:
            self.close_connection = True
            self._send(status_response(error))
            return False
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def _response(self) -> HttpResponse:
        try:
            self._check_head()
            body = self._body()
        except StatusError as error:
            # Otherwise the rest of the body would be read as the next request.
            self.close_connection = True
            return status_response(error)
        return self.server.requests.respond(self.command, urlsplit(self.path).path, body)

    def _check_head(self) -> None:
        """Rejects a request whose headers show that its body must not be read."""
        if not self.server.requests.admits(self.headers.get(HEADER)):
            raise StatusError(grpc.StatusCode.UNAUTHENTICATED, REFUSAL)
        if "Transfer-Encoding" in self.headers:
            raise invalid_argument(
                "Transfer-Encoding is not taken: send the body with a Content-Length"
            )
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise invalid_argument(f"Content-Length '{length}' is no number of bytes")
        self.server.requests.limits.check_bytes(int(length))

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        if len(body) < length:
            raise invalid_argument("the body is shorter than Content-Length says")
        return self._decompressed(body)

    def _decompressed(self, body: bytes) -> bytes:
        encoding = self.headers.get("Content-Encoding", "identity").lower()
        if encoding == "identity":
            return body
        if encoding != "gzip":
            raise invalid_argument(f"Content-Encoding '{encoding}' is not taken: use gzip")
        limit = self.server.requests.limits.max_request_bytes
        decompressor = zlib.decompressobj(_GZIP_WINDOW)
        try:
            # Never more than the limit in memory, however small the compressed body is.
            decompressed = decompressor.decompress(body, limit + 1 if limit else 0)
        except zlib.error as error:
            raise invalid_argument(f"the body is no gzip: {error}") from error
        self.server.requests.limits.check_bytes(len(decompressed))
        if not decompressor.eof:
            raise invalid_argument("the body is no gzip: it ends too early")
        return decompressed

    def _send(self, response: HttpResponse) -> None:
        body = response.body
        if self.server.draining.is_set():
            self.close_connection = True
        self.send_response(response.code)
        self.send_header("Content-Type", response.content_type)
        if response.code == http.HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        if len(body) >= _MIN_GZIP_BYTES and self._accepts_gzip():
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close" if self.close_connection else "keep-alive")
        self.end_headers()
        self.wfile.write(body)

    def _accepts_gzip(self) -> bool:
        # After a malformed request there are no headers.
        headers = getattr(self, "headers", None)
        return headers is not None and "gzip" in headers.get("Accept-Encoding", "")


def _listener(
    options: HttpOptions, requests: _Requests, ssl_context: ssl.SSLContext | None
) -> _Listener:
    host = options.bind_address.strip("[]")
    kind = _ListenerV6 if ":" in host else _Listener
    try:
        return kind((host, options.port), requests, ssl_context)
    except OSError as error:
        raise FitRankError(
            f"cannot listen on {options.bind_address}:{options.port} ({error}): stop what "
            "listens there, or give another --rest_api_port or --bind_address"
        ) from error
