"""Malformed, ambiguous and slow HTTP, over raw sockets: a right status, and no lockout."""

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.http import server as http_server
from serving.requests.limits import Limits
from serving.server import Server
from tests.serving.toy_http import call

PATIENCE = 20.0
PREDICT = b"POST /v1/models/affine:predict HTTP/1.1\r\nHost: a\r\n"
BODY = b'{"signature_name": "total", "instances": [[1, 2, 3]]}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)


@pytest.fixture(scope="module")
def server(start_models, bundle: Path) -> Server:
    limits = Limits(max_request_bytes=1_000_000, max_json_values=1000)
    paths = bundle / "search", bundle / "affine"
    return start_models(*paths, rest_api_port=0, limits=limits)


@pytest.fixture(scope="module")
def port(server: Server) -> int:
    return server.rest_api_port


@pytest.fixture
def connection(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as opened:
        yield opened


def answers(connection: socket.socket) -> list[bytes]:
    """The status of all responses until the server closes."""
    return re.findall(rb"HTTP/1\.1 (\d{3})", connection.makefile("rb").read())


REFUSED = {
    "two lengths": PREDICT + LENGTH + b"Content-Length: 3\r\n\r\n" + BODY,
    "two lengths in one": PREDICT + b"Content-Length: 53, 3\r\n\r\n" + BODY,
    "blank before the colon": PREDICT + b"Content-Length : 53\r\n\r\n" + BODY,
    "blank before chunked": PREDICT + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "tab before the colon": PREDICT + b"Content-Length\t: 53\r\n\r\n" + BODY,
    "length of 5,000 digits": PREDICT + b"Content-Length: " + b"1" * 5000 + b"\r\n\r\n",
    "length with a sign": PREDICT + b"Content-Length: +53\r\n\r\n" + BODY,
    "length in hex": PREDICT + b"Content-Length: 0x35\r\n\r\n" + BODY,
    "length of no digit": PREDICT + b"Content-Length: \r\n\r\n" + BODY,
    "chunked": PREDICT + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and a length": PREDICT
    + b"Transfer-Encoding: chunked\r\n"
    + LENGTH
    + b"\r\n"
    + BODY,
    "bad chunk size": PREDICT + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    "huge chunk size": PREDICT
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"f" * 40
    + b"\r\n",
    "folded header": PREDICT + b"X: a\r\n b: c\r\n" + LENGTH + b"X y: z\r\n\r\n" + BODY,
    "header without a colon": PREDICT + b"nonsense\r\n\r\n",
    "header without a name": PREDICT + b": value\r\n\r\n",
    "null in a header": PREDICT + b"X: a\0b\r\n\r\n",
    "no host": b"GET /v1/models/affine HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /v1/models/affine HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "HTTP/0.9": b"GET /v1/models/affine\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "blank in the path": b"GET /v1/models/a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n",
    "flood of headers": PREDICT + b"X: y\r\n" * 100_000,
    "endless header": PREDICT + b"X: " + b"y" * 300_000,
}


@pytest.mark.parametrize("case", REFUSED)
def test_malformed_request_is_refused_once(connection: socket.socket, case: str):
    try:
        connection.sendall(REFUSED[case])
    except ConnectionError:
        # Refused before all of it was sent.
        return
    # One answer only: nothing behind it was read as a second request.
    [status] = answers(connection)
    assert status in (b"400", b"414", b"431", b"501", b"505")


def test_smuggled_request_is_not_run(connection: socket.socket):
    smuggled = b"GET /v1/models/affine HTTP/1.1\r\nHost: a\r\n\r\n"
    head = PREDICT + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
    connection.sendall(head + b"0\r\n\r\n" + smuggled)
    assert len(answers(connection)) == 1


def test_pipelined_requests_are_answered_in_order(connection: socket.socket):
    last = PREDICT + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}"
    connection.sendall((PREDICT + LENGTH + b"\r\n" + BODY) * 3 + last)
    assert answers(connection) == [b"200"] * 3 + [b"400"]


def test_path_with_its_host_is_answered(connection: socket.socket):
    head = b"GET http://a/v1/models/affine HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    connection.sendall(head)
    assert answers(connection) == [b"200"]


def test_half_closed_client_still_gets_its_answer(connection: socket.socket):
    connection.sendall(PREDICT + LENGTH + b"\r\n" + BODY)
    connection.shutdown(socket.SHUT_WR)
    assert b'{"predictions": [6.0]}' in connection.makefile("rb").read()


NESTED = {
    "a lone surrogate": b'{"instances": "\\ud800"}',
    "a lone surrogate as a key": b'{"signature_name": "total", "inputs": {"\\udfff": 1}}',
    "a lone surrogate as a signature": b'{"signature_name": "\\ud800", "inputs": 1}',
    "number of 5,000 digits": b'{"inputs": %s}' % (b"1" * 5000),
    "numbers beyond doubles": b'{"inputs": 1e999}',
    "too many values": b'{"inputs": [%s]}' % (b"1," * 2000),
    "gzip of many values": b'{"inputs": [%s]}' % (b"[]," * 300_000),
    **{
        f"{depth} nested lists": b'{"signature_name": "total", "instances": %s%s}'
        % (b"[" * depth, b"]" * depth)
        for depth in (33, 50, 70, 300, 900)
    },
    **{
        f"{depth} nested numbers": b'{"signature_name": "total", "instances": %s1%s}'
        % (b"[" * depth, b"]" * depth)
        for depth in (33, 65, 900)
    },
}


@pytest.mark.parametrize("case", NESTED)
def test_json_that_cannot_be_a_tensor(port: int, case: str):
    reply = call(port, "POST", "/v1/models/affine:predict", NESTED[case])
    assert reply.code in (400, 429)
    assert reply.error
    body = json.dumps({"instances": [1]}).encode()
    assert call(port, "POST", "/v1/models/affine:predict", body).code == 400


def test_path_of_a_lone_surrogate_gets_an_answer(port: int):
    assert call(port, "GET", "/v1/models/%ed%a0%80").code == 404


def slow_connections(port: int, count: int, start: bytes) -> list[socket.socket]:
    opened = []
    for _ in range(count):
        slow = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        slow.sendall(start)
        opened.append(slow)
    return opened


@pytest.mark.parametrize(
    "start",
    [b"", b"G", PREDICT, PREDICT + b"Content-Length: 9\r\n\r\nabc"],
    ids=["silent", "line", "headers", "body"],
)
def test_slow_clients_do_not_lock_others_out(port: int, monkeypatch, start: bytes):
    monkeypatch.setattr(http_server, "_MAX_CONNECTIONS", 20)
    slow = slow_connections(port, 60, start)
    try:
        assert call(port, "GET", "/v1/models/affine").code == 200
    finally:
        for one in slow:
            one.close()


def test_time_for_the_headers_is_not_stretched_by_bytes(port: int, monkeypatch):
    monkeypatch.setattr(http_server, "_HEADER_SECONDS", 0.5)
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as slow:
        received = b""
        slow.settimeout(0.1)
        until = time.monotonic() + PATIENCE
        while b"\r\n" not in received:
            assert time.monotonic() < until
            try:
                slow.sendall(b"G")
                received += slow.recv(1000)
            except TimeoutError:
                continue
        assert received.startswith(b"HTTP/1.1 408")
