"""Connections, bodies and timeouts of the REST port, with toy request handlers."""

import contextlib
import gzip
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from fitrank_tf.core.errors import FitRankError
from serving.http.rest_api import HttpResponse
from serving.http.server import HttpOptions, HttpServer
from serving.requests.limits import Limits
from tests.serving.toy_http import call, exchange

PATIENCE = 30.0
LIMIT = 1000


def echo(method: str, path: str, body: bytes) -> HttpResponse:
    text = json.dumps({"method": method, "path": path, "body": body.decode()})
    return HttpResponse(200, text.encode())


@pytest.fixture(scope="module")
def start_http() -> Iterator[Callable[..., HttpServer]]:
    servers: list[HttpServer] = []

    def start(handler=echo, bind_address: str = "127.0.0.1", **options) -> HttpServer:
        limits = options.pop("limits", Limits(max_request_bytes=LIMIT))
        http_options = HttpOptions(bind_address, 0, num_threads=2, **options)
        servers.append(HttpServer(http_options, handler, limits))
        return servers[-1]

    yield start
    for server in servers:
        server.stop(None)


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
    server = start_http(lambda *_: HttpResponse(200, b"x" * size))
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
        (b"", {"Content-Length": "-1"}, 400, "'-1' is no number"),
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
    head = f"POST / HTTP/1.1\r\nContent-Length: {size}\r\nExpect: 100-continue\r\n\r\n"
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
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")
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
        (b"GET / HTTP/9.9\r\n\r\n", b"505"),
        (b"BREW / HTTP/1.1\r\n\r\n", b"501"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
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
    release = threading.Event()

    def wait(*_: object) -> HttpResponse:
        release.wait(PATIENCE)
        return HttpResponse(200, b"{}")

    server = start_http(wait, timeout_in_ms=100)
    reply = call(server.port, "GET", "/")
    release.set()
    assert reply.code == 504
    assert "no answer within 0.1 s" in reply.error
    assert "--rest_api_timeout_in_ms" in reply.error


def test_stop_finishes_requests_in_progress_and_refuses_new_ones(start_http):
    entered, release = threading.Event(), threading.Event()

    def wait(*_: object) -> HttpResponse:
        entered.set()
        release.wait(PATIENCE)
        return HttpResponse(200, b'"done"')

    server = start_http(wait)
    replies, finished = [], []
    client = threading.Thread(target=lambda: replies.append(call(server.port, "GET", "/")))
    client.start()
    assert entered.wait(PATIENCE)
    stop = threading.Thread(target=lambda: finished.append(server.stop(PATIENCE)))
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
    assert replies[0].headers["Connection"] == "close"
    assert finished == [True]


def ignore_loss(port: int) -> None:
    with contextlib.suppress(OSError):
        call(port, "GET", "/")


def test_stop_abandons_requests_that_take_too_long(start_http):
    entered, release = threading.Event(), threading.Event()

    def wait(*_: object) -> HttpResponse:
        entered.set()
        release.wait(PATIENCE)
        return HttpResponse(200, b"{}")

    server = start_http(wait)
    client = threading.Thread(target=ignore_loss, args=(server.port,))
    client.start()
    assert entered.wait(PATIENCE)
    assert server.stop(0.05) is False
    release.set()
    client.join(PATIENCE)


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
        HttpServer(HttpOptions("127.0.0.1", port, 1), echo, Limits())
