"""Connections, bodies and timeouts of the REST port, with toy request handlers."""

import asyncio
import contextlib
import gzip
import http.client
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from starlette.responses import Response

from fitrank_tf.core.errors import FitRankError
from serving.http.endpoint import Endpoint, json_response
from serving.http.server import HttpConnection, HttpServer
from serving.process.event_loop import event_loop
from serving.process.options import ServerOptions
from serving.requests.inference import Threads
from serving.requests.limits import Limits
from tests.serving.toy_http import call, exchange

PATIENCE = 30.0
LIMIT = 1000
LIMITS = Limits(max_request_bytes=LIMIT)


async def echo(method: str, path: str, body: bytes) -> Response:
    return json_response({"method": method, "path": path, "body": body.decode()})


def run(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, event_loop()).result(PATIENCE)


@pytest.fixture(scope="module")
def start_http() -> Iterator[Callable[..., HttpServer]]:
    servers: list[HttpServer] = []
    threads = Threads(2)

    def start(
        handler=echo,
        bind_address: str = "127.0.0.1",
        timeout_in_ms: int = 30_000,
        limits: Limits = LIMITS,
    ) -> HttpServer:
        options = ServerOptions(
            bind_address=bind_address,
            rest_api_timeout_in_ms=timeout_in_ms,
            limits=limits,
        )

        async def begin() -> HttpServer:
            server = HttpServer(options, 0, Endpoint(handler, options, threads))
            await server.start()
            return server

        servers.append(run(begin()))
        return servers[-1]

    yield start
    for server in servers:
        run(server.stop(None))


@pytest.fixture(scope="module")
def port(start_http) -> int:
    return start_http().port


def test_request_arrives_as_it_was_sent(port: int):
    reply = call(port, "POST", "/a%20b?c=d", "été".encode())
    assert reply.json == {"method": "POST", "path": "/a%20b", "body": "été"}


def test_connection_stays_open_for_further_requests(port: int):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    exchange(connection, "GET", "/1")
    first = connection.sock
    assert exchange(connection, "POST", "/2", b"x").json["body"] == "x"
    assert connection.sock is first
    connection.close()


@pytest.mark.parametrize(
    ("size", "accept", "packed"),
    [(2000, "gzip, deflate", True), (2000, "", False), (10, "gzip", False)],
)
def test_long_responses_are_compressed_if_the_client_accepts_gzip(
    start_http, size, accept, packed
):
    async def answer(*_: object) -> Response:
        return Response(b"x" * size)

    server = start_http(answer)
    reply = call(server.port, "GET", "/", headers={"Accept-Encoding": accept})
    assert ("Content-Encoding" in reply.headers) is packed
    assert (gzip.decompress(reply.body) if packed else reply.body) == b"x" * size


def test_gzip_body_is_decompressed(port: int):
    headers = {"Content-Encoding": "gzip"}
    body = gzip.compress(b"a" * LIMIT)
    assert call(port, "POST", "/", body, headers).json["body"] == "a" * LIMIT


@pytest.mark.parametrize(
    ("body", "headers", "code", "gist"),
    [
        (b"a" * (LIMIT + 1), {}, 429, f"has {LIMIT + 1} bytes, the limit is {LIMIT}"),
        # Decompressed only up to the limit.
        (
            gzip.compress(b"a" * 100_000, mtime=0),
            {"Content-Encoding": "gzip"},
            429,
            f"has {LIMIT + 1} bytes",
        ),
        (b"abc", {"Content-Encoding": "gzip"}, 400, "the body is no gzip"),
        (
            gzip.compress(b"abc", mtime=0)[:-9],
            {"Content-Encoding": "gzip"},
            400,
            "too early",
        ),
        (b"abc", {"Content-Encoding": "br"}, 400, "Content-Encoding 'br' is not taken"),
        (b"0\r\n\r\n", {"Transfer-Encoding": "chunked"}, 400, "Content-Length"),
        (b"", {"Content-Length": "-1"}, 400, "bad Content-Length"),
    ],
)
def test_body_that_is_rejected(port: int, body, headers, code: int, gist: str):
    reply = call(port, "POST", "/", body, headers)
    assert reply.code == code
    assert gist in reply.error
    # The rest of the body is not read as a request.
    assert reply.headers["Connection"] == "close"


@pytest.mark.parametrize(("size", "line"), [(LIMIT + 1, b"429"), (3, b"100")])
def test_expect_100_is_answered_before_the_body(port: int, size: int, line: bytes):
    head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    head += f"Content-Length: {size}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        reply = connection.makefile("rb")
        assert line in reply.readline()
        if line == b"100":
            connection.sendall(b"abc")
            assert reply.readline() == b"\r\n"
            assert b"200" in reply.readline()


def test_body_that_ends_early_is_refused(port: int):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
        connection.shutdown(socket.SHUT_WR)
        reply = connection.makefile("rb").read()
    assert b"the body is shorter than Content-Length says" in reply


def test_body_without_limit(start_http):
    server = start_http(limits=Limits(max_request_bytes=0))
    body = gzip.compress(b"a" * 100_000)
    reply = call(server.port, "POST", "/", body, {"Content-Encoding": "gzip"})
    assert len(reply.json["body"]) == 100_000


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", b"505"),
        (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", b"501"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", b"414"),
    ],
    ids=["no-http", "version", "method", "long-line"],
)
def test_malformed_request_gets_a_json_error(port: int, text: bytes, line: bytes):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(text)
        reply = connection.makefile("rb").read()
    assert line in reply.splitlines()[0] or reply.startswith(b'{"error"')
    assert b'{"error": ' in reply


def test_request_beyond_the_timeout_is_abandoned(start_http):
    ended = threading.Event()

    async def wait(*_: object) -> Response:
        try:
            await asyncio.sleep(PATIENCE)
        finally:
            ended.set()
        return Response(b"{}")

    server = start_http(wait, timeout_in_ms=100)
    reply = call(server.port, "GET", "/")
    assert ended.wait(PATIENCE)
    assert reply.code == 504
    assert "no answer within 0.1 s" in reply.error
    assert "--rest_api_timeout_in_ms" in reply.error


def test_stop_finishes_requests_in_progress_and_refuses_new_ones(start_http):
    entered, release = threading.Event(), threading.Event()

    async def wait(*_: object) -> Response:
        entered.set()
        await asyncio.to_thread(release.wait, PATIENCE)
        return Response(b'"done"')

    server = start_http(wait)
    replies, finished = [], []
    client = threading.Thread(target=lambda: replies.append(call(server.port, "GET", "/")))
    client.start()
    assert entered.wait(PATIENCE)
    stop = threading.Thread(target=lambda: finished.append(run(server.stop(PATIENCE))))
    stop.start()
    refused = threading.Event()
    while not refused.wait(0.01):
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
        except ConnectionError:
            refused.set()
    release.set()
    client.join(PATIENCE)
    stop.join(PATIENCE)
    assert [reply.body for reply in replies] == [b'"done"']
    # The client must not reuse the connection.
    assert replies[0].headers["Connection"].lower() == "close"
    assert finished == [True]


def ignore_loss(port: int) -> None:
    with contextlib.suppress(OSError):
        call(port, "GET", "/")


def test_stop_abandons_requests_that_take_too_long(start_http):
    entered, release = threading.Event(), threading.Event()

    async def wait(*_: object) -> Response:
        entered.set()
        await asyncio.to_thread(release.wait, PATIENCE)
        return Response(b"{}")

    server = start_http(wait)
    client = threading.Thread(target=ignore_loss, args=(server.port,))
    client.start()
    assert entered.wait(PATIENCE)
    assert run(server.stop(0.05)) is False
    release.set()
    client.join(PATIENCE)


def test_answers_do_not_wait_for_an_acknowledgement(start_http, monkeypatch):
    """Nagle's algorithm would hold each answer's body back for 40 ms."""
    options = []
    made = HttpConnection.connection_made

    def observed(self: HttpConnection, transport: asyncio.Transport) -> None:
        accepted = transport.get_extra_info("socket")
        options.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        made(self, transport)

    monkeypatch.setattr(HttpConnection, "connection_made", observed)
    call(start_http().port, "GET", "/")
    assert len(options) == 1 and options[0]


def test_ipv6_address(start_http):
    try:
        server = start_http(bind_address="[::1]")
    except FitRankError:
        pytest.skip("this machine has no IPv6")
    with socket.create_connection(("::1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"200" in connection.makefile("rb").readline()


def test_port_in_use_is_an_error(port: int):
    with pytest.raises(FitRankError, match=f"cannot listen on 127.0.0.1:{port}"):
        HttpServer(ServerOptions(), port, echo)
