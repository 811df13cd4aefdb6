"""An ASGI application for requests with a body: token, limits, timeout, gzip and errors.

uvicorn parses HTTP and keeps the connections; what a request means is told by a function
of its method, its path and its body.
"""

import asyncio
import contextlib
import gzip
import json
import logging
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import grpc
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from serving.process.auth_token import HEADER, REFUSAL
from serving.process.options import ServerOptions
from serving.requests.inference import Threads
from serving.requests.limits import Limits
from serving.status import REQUEST_ERRORS, StatusError, invalid_argument, status_of

_SPELLINGS = {b"www-authenticate": b"WWW-Authenticate"}
_VERSIONS = ("1.0", "1.1")
_METHODS = ("GET", "POST")
_JSON = "application/json"

_HTTP_CODES = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 500,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}

_MAX_PATH_BYTES = 16 * 1024

# The longest that a body may take to arrive, however slowly its bytes come.
_BODY_SECONDS = 20.0

# How long a body that is refused is received, and thrown away.
_DISCARD_SECONDS = 1.0

# Below this size compression costs more than it saves.
_MIN_GZIP_BYTES = 1024
_GZIP_LEVEL = 1
_GZIP_WINDOW = 16 + zlib.MAX_WBITS

logger = logging.getLogger(__name__)

# (method, path as it was sent, uncompressed body) -> response
Respond = Callable[[str, str, bytes], Awaitable[Response]]


class Endpoint:
    """Answers requests by a function, within the limits; errors become JSON."""

    def __init__(self, respond: Respond, options: ServerOptions, threads: Threads) -> None:
        """Makes the application.

        Args:
            respond: makes the response; raises `REQUEST_ERRORS`.
            options: the token, the limits, the timeout and the concurrency.
            threads: unpack and compress what is large.
        """
        self._respond = respond
        self._token = options.token
        self._limits = options.limits
        self._threads = threads
        self._seconds = options.rest_api_timeout_in_ms / 1000
        self._turns = asyncio.Semaphore(options.rest_api_num_threads)
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request, as ASGI asks."""
        request = Request(scope, receive)
        response = await self._response(request)
        # Written as TF-Serving writes them, for clients that compare names as they are.
        response.raw_headers = [
            (_SPELLINGS.get(name, name.title()), value)
            for name, value in response.raw_headers
        ]
        await response(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        try:
            self._check_head(request)
            async with asyncio.timeout(self._seconds if self._seconds > 0 else None):
                return await self._handle(request)
        except REQUEST_ERRORS as error:
            response = error_response(*status_of(error))
        except _HttpError as error:
            response = Response(_error_body(str(error)), error.code, media_type=_JSON)
        except TimeoutError:
            response = self._too_late()
        except Exception:
            logger.exception("%s %s failed", request.method, request.url.path)
            text = "internal error: see the server's log"
            response = error_response(grpc.StatusCode.INTERNAL, text)
        await _discard_body(request)
        # Otherwise the rest of the body would be read as the next request.
        response.headers["Connection"] = "close"
        return response

    def _check_head(self, request: Request) -> None:
        """Rejects a request whose headers show that its body must not be read."""
        if (version := request.scope["http_version"]) not in _VERSIONS:
            raise _HttpError(505, f"HTTP/{version} is not spoken here")
        if len(request.scope["raw_path"]) > _MAX_PATH_BYTES:
            raise _HttpError(414, f"a path of more than {_MAX_PATH_BYTES} bytes")
        if self._token and not self._token.admits(request.headers.get(HEADER)):
            raise StatusError(grpc.StatusCode.UNAUTHENTICATED, REFUSAL)
        if request.method not in _METHODS:
            raise StatusError(
                grpc.StatusCode.UNIMPLEMENTED, f"Unsupported method ({request.method!r})"
            )
        if "Transfer-Encoding" in request.headers:
            raise invalid_argument(
                "Transfer-Encoding is not taken: send the body with a Content-Length"
            )
        # h11 accepts digits only, and not many.
        self._limits.check_bytes(int(request.headers.get("Content-Length", "0")))

    async def _handle(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("ascii")
        if not path.startswith("/"):
            # As a proxy sends it, with the host.
            path = urlsplit(path).path
        async with self._body(request) as body, self._turns:
            content = await self._threads.aside(
                len(body), lambda: _decompressed(request, body, self._limits)
            )
            try:
                response = await self._respond(request.method, path, content)
            except REQUEST_ERRORS as error:
                response = error_response(*status_of(error))
        size = len(response.body)
        if size >= _MIN_GZIP_BYTES and "gzip" in request.headers.get("Accept-Encoding", ""):
            response.body = await self._threads.aside(
                size, lambda: gzip.compress(response.body, _GZIP_LEVEL, mtime=0)
            )
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Content-Length"] = str(len(response.body))
        return response

    @asynccontextmanager
    async def _body(self, request: Request) -> AsyncIterator[bytes]:
        """The body of a request, for as long as the block runs; raises TimeoutError."""
        received = bytearray()
        try:
            try:
                async with asyncio.timeout(_BODY_SECONDS):
                    async for chunk in request.stream():
                        received += chunk
                        self._held += len(chunk)
                        self._check_held()
            except TimeoutError as error:
                raise _HttpError(408, "the body did not arrive in time") from error
            except ClientDisconnect as error:
                raise invalid_argument("the client has gone") from error
            yield bytes(received)
        finally:
            self._held -= len(received)

    def _check_held(self) -> None:
        """Rejects a body if all that are in memory together take twice the limit."""
        limit = self._limits.max_request_bytes
        if limit and self._held > 2 * limit:
            raise StatusError(
                grpc.StatusCode.UNAVAILABLE, "too many large requests: try again later"
            )

    def _too_late(self) -> Response:
        return error_response(
            grpc.StatusCode.DEADLINE_EXCEEDED,
            f"no answer within {self._seconds:g} s: send less at once, or start the server "
            "with a longer --rest_api_timeout_in_ms",
        )


async def _discard_body(request: Request) -> None:
    """Receives what a client is sending: it reads its answer only then."""
    if "Expect" in request.headers:
        return
    with contextlib.suppress(TimeoutError, RuntimeError, ClientDisconnect):
        async with asyncio.timeout(_DISCARD_SECONDS):
            async for _ in request.stream():
                pass


class _HttpError(Exception):
    """An error that gRPC has no code for."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def json_response(content: Any) -> Response:
    """A response with a JSON value."""
    return Response(_encoded(content).encode(), media_type=_JSON)


def _encoded(value: Any) -> str:
    """JSON, made list by list: one call for all of it would hold up the event loop."""
    if isinstance(value, dict):
        pairs = (
            f"{json.dumps(k, ensure_ascii=False)}: {_encoded(v)}" for k, v in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list) and value and isinstance(value[0], list | dict):
        return f"[{', '.join(map(_encoded, value))}]"
    # NaN and Infinity are not valid JSON, but TF-Serving writes them too.
    return json.dumps(value, ensure_ascii=False)


def error_response(code: grpc.StatusCode, message: str) -> Response:
    """The response {"error": message}, as in TF-Serving."""
    response = Response(_error_body(message), _HTTP_CODES[code], media_type=_JSON)
    if code is grpc.StatusCode.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _error_body(message: str) -> bytes:
    return json.dumps({"error": message}, ensure_ascii=False).encode(errors="replace")


def _decompressed(request: Request, body: bytes, limits: Limits) -> bytes:
    """Unpacks a body by the request's Content-Encoding."""
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise invalid_argument(f"Content-Encoding '{encoding}' is not taken: use gzip")
    limit = limits.max_request_bytes
    decompressor = zlib.decompressobj(_GZIP_WINDOW)
    try:
        # Never more than the limit in memory, however small the compressed body is.
        decompressed = decompressor.decompress(body, limit + 1 if limit else 0)
    except zlib.error as error:
        raise invalid_argument(f"the body is no gzip: {error}") from error
    limits.check_bytes(len(decompressed))
    if not decompressor.eof:
        raise invalid_argument("the body is no gzip: it ends too early")
    return decompressed
