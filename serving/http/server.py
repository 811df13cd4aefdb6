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
from serving.http.rest_api import HttpAnswer, error_answer, status_answer
from serving.process.auth_token import HEADER, REFUSAL, AuthToken
from serving.requests.limits import Limits
from serving.status import StatusError, invalid_argument

# A thread waits on each connection, so their number is bounded, and the time of silence.
_MAX_CONNECTIONS = 1000
_IDLE_SECONDS = 60
_WAITING_CONNECTIONS = 128
_ACCEPT_POLL_SECONDS = 0.05

# Below this size packing costs more than it saves.
_MIN_GZIP_BYTES = 1024
_GZIP_LEVEL = 1
_GZIP_WINDOW = 16 + zlib.MAX_WBITS

logger = logging.getLogger(__name__)

# (method, path, body) -> answer
Answerer = Callable[[str, str, bytes], HttpAnswer]


@dataclass(frozen=True)
class HttpOptions:
    """How to listen for HTTP.

    Attributes:
        bind_address: IPv4 or IPv6 address.
        port: TCP port; 0 takes a free one.
        num_threads: requests worked on at once.
        timeout_in_ms: the longest that a request may take, waiting included; 0 or less
            for no limit. The op that runs then goes on to its end.
    """

    bind_address: str
    port: int
    num_threads: int
    timeout_in_ms: int = 30_000

    @property
    def timeout(self) -> float | None:
        """The timeout in seconds."""
        return self.timeout_in_ms / 1000 if self.timeout_in_ms > 0 else None


class HttpServer:
    """Listens from its creation on, until `stop`."""

    def __init__(
        self,
        options: HttpOptions,
        answer: Answerer,
        limits: Limits,
        token: AuthToken | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Starts to answer.

        Args:
            options: where and how to listen.
            answer: gives the answer to a request; called by several threads.
            limits: the largest body.
            token: what every request has to bring; None for nothing.
            ssl_context: the server's certificate; None for plain HTTP.

        Raises:
            FitRankError: the address cannot be listened on.
        """
        self._workers = concurrent.futures.ThreadPoolExecutor(
            options.num_threads, thread_name_prefix="rest"
        )
        self._listener = _listener(
            options, _Requests(options, answer, limits, token, self._workers), ssl_context
        )
        self.port: int = self._listener.server_address[1]
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(_ACCEPT_POLL_SECONDS,), daemon=True
        )
        self._thread.start()

    def stop(self, seconds: float | None) -> bool:
        """Closes the port and finishes what is in work.

        Args:
            seconds: the longest to wait for it; None for not at all.

        Returns:
            Whether all that was in work was answered.
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
    """Gets the answers to requests, in time and within limits."""

    def __init__(
        self,
        options: HttpOptions,
        answer: Answerer,
        limits: Limits,
        token: AuthToken | None,
        workers: concurrent.futures.Executor,
    ) -> None:
        self._timeout = options.timeout
        self._answer = answer
        self._token = token
        self._workers = workers
        self.limits = limits

    def admits(self, authorization: str | None) -> bool:
        """Whether a request may come in."""
        return self._token is None or self._token.admits(authorization)

    def answer(self, method: str, path: str, body: bytes) -> HttpAnswer:
        """The answer, or the one that says that there is none in time."""
        work = self._workers.submit(self._answer, method, path, body)
        try:
            return work.result(self._timeout)
        except concurrent.futures.TimeoutError:
            work.cancel()
            return status_answer(
                StatusError(
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                    f"no answer within {self._timeout:g} s: send less at once, or start "
                    "the server with a longer --rest_api_timeout_in_ms",
                )
            )


class _Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Accepts connections, each with a thread; knows which of them have work."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = _WAITING_CONNECTIONS

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
        self._in_work = 0
        self._changed = threading.Condition()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's, which asks the name service for the host's own name.
        socketserver.TCPServer.server_bind(self)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._ssl_context is not None:
            # The handshake is the connection's thread's: here it would block all others.
            connection = self._ssl_context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def verify_request(self, request: socket.socket, client_address: Any) -> bool:
        with self._changed:
            if len(self._connections) >= _MAX_CONNECTIONS:
                logger.warning("connection refused: %d are open", _MAX_CONNECTIONS)
                return False
            self._connections.add(request)
            return True

    def shutdown_request(self, request: socket.socket) -> None:
        with self._changed:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: socket.socket, client_address: Any) -> None:
        logger.debug("connection of %s ended", client_address, exc_info=True)

    @contextmanager
    def work(self) -> Iterator[None]:
        """Marks the block as work that a drain waits for."""
        with self._changed:
            self._in_work += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_work -= 1
                self._changed.notify_all()

    def wait_until_idle(self, seconds: float) -> bool:
        """Waits for the work; whether none is left."""
        deadline = time.monotonic() + seconds
        with self._changed:
            return self._changed.wait_for(
                lambda: self._in_work == 0, max(0.0, deadline - time.monotonic())
            )

    def close_connections(self) -> None:
        """Ends the connections on which clients say nothing."""
        with self._changed:
            connections = list(self._connections)
        for connection in connections:
            super().shutdown_request(connection)


class _ListenerV6(_Listener):
    address_family = socket.AF_INET6


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection; several requests may come over it."""

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
        """What the base class says of requests that are no HTTP, as JSON."""
        self.close_connection = True
        self._send(error_answer(int(code), message or explain or "bad request"))

    def version_string(self) -> str:
        """The Server header: without the versions of Python and its library."""
        return "FitRank-TF"

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)

    def _handle(self) -> None:
        with self.server.work():
            self._send(self._answer())
            # Before it counts as done: a drain ends the process after that.
            self.wfile.flush()

    def handle_expect_100(self) -> bool:
        """Refuses a body before it is sent, for clients that ask first."""
        try:
            self._check_head()
        except StatusError as error:
            self.close_connection = True
            self._send(status_answer(error))
            return False
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def _answer(self) -> HttpAnswer:
        try:
            self._check_head()
            body = self._body()
        except StatusError as error:
            # What is left of the body must not be read as the next request.
            self.close_connection = True
            return status_answer(error)
        return self.server.requests.answer(self.command, urlsplit(self.path).path, body)

    def _check_head(self) -> None:
        """Refuses, by the headers alone, what must not or cannot be read."""
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
        return self._unpacked(body)

    def _unpacked(self, body: bytes) -> bytes:
        encoding = self.headers.get("Content-Encoding", "identity").lower()
        if encoding == "identity":
            return body
        if encoding != "gzip":
            raise invalid_argument(f"Content-Encoding '{encoding}' is not taken: use gzip")
        limit = self.server.requests.limits.max_request_bytes
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            # Never more than the limit in memory, however small the packed body is.
            unpacked = unpacker.decompress(body, limit + 1 if limit else 0)
        except zlib.error as error:
            raise invalid_argument(f"the body is no gzip: {error}") from error
        self.server.requests.limits.check_bytes(len(unpacked))
        if not unpacker.eof:
            raise invalid_argument("the body is no gzip: it ends too early")
        return unpacked

    def _send(self, answer: HttpAnswer) -> None:
        body = answer.body
        if self.server.draining.is_set():
            self.close_connection = True
        self.send_response(answer.code)
        self.send_header("Content-Type", answer.content_type)
        if answer.code == http.HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        if len(body) >= _MIN_GZIP_BYTES and self._accepts_gzip():
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close" if self.close_connection else "keep-alive")
        self.end_headers()
        self.wfile.write(body)

    def _accepts_gzip(self) -> bool:
        # A request that is no HTTP has no headers.
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
