"""A plain HTTP client with one connection per call."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """The response of a server."""

    code: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["Content-Type"] == "application/json"
        return json.loads(self.body)

    @property
    def error(self) -> str:
        [error] = self.json.values()
        assert list(self.json) == ["error"]
        return error


def call(
    port: int,
    method: str,
    path: str,
    content: Any = None,
    headers: Mapping[str, str] = {},
    context: ssl.SSLContext | None = None,
) -> Reply:
    """Sends one request; `content` is encoded as JSON unless it is bytes."""
    if context is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    else:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=30, context=context
        )
    try:
        return exchange(connection, method, path, content, headers)
    finally:
        connection.close()


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    content: Any = None,
    headers: Mapping[str, str] = {},
) -> Reply:
    """Sends one request over a connection that stays open."""
    body = content
    if content is not None and not isinstance(content, bytes):
        body = json.dumps(content).encode()
    connection.request(method, path, body, dict(headers))
    response = connection.getresponse()
    return Reply(response.status, dict(response.getheaders()), response.read())


def free_port() -> int:
    """A TCP port that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
