"""A client's connection: endpoints, limits, retries, keep-alive, TLS and token."""

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from fitrank_tf.client.messages import MODEL_SERVICE, PREDICTION_SERVICE
from fitrank_tf.core.errors import FitRankError

DEFAULT_ADDRESS = "localhost:8500"
_MAX_PORT = 65535

# gRPC's own limit is 4 MiB, which a large batch of answers with titles passes.
_MAX_RECEIVE_BYTES = 64 * 1024 * 1024

# gRPC retries by itself, with jitter, and never past the deadline of the call.
_RETRY_ON_UNAVAILABLE = {
    "methodConfig": [
        {
            "name": [{"service": PREDICTION_SERVICE}, {"service": MODEL_SERVICE}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
# Each call goes to the next endpoint that is connected.
_ROUND_ROBIN: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
_OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_RECEIVE_BYTES),
    # A retry is of use only if the connection too is tried again by then.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # The most often that servers with gRPC's defaults, as TF-Serving, let clients ping. On
    # Linux it also sets TCP's own limit, so that a call over a connection that is gone
    # without a word fails after the time-out, and is tried again.
    ("grpc.keepalive_time_ms", 300_000),
    ("grpc.keepalive_timeout_ms", 5_000),
)


@dataclass(frozen=True)
class Security:
    """How a client proves the server, and itself to the server.

    Attributes:
        ca_file: PEM certificates that the server's is checked against; "" speaks without
            TLS.
        token_file: holds the token that the server asks for; "" sends none.
    """

    ca_file: str = ""
    token_file: str = ""

    def metadata(self) -> Sequence[tuple[str, str]]:
        """What goes with every call.

        Raises:
            FitRankError: the token cannot be read.
        """
        if not self.token_file:
            return ()
        token = _read("token", self.token_file).decode(errors="replace").strip()
        return (("authorization", f"Bearer {token}"),)

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Of a channel with TLS; None without.

        Raises:
            FitRankError: the certificates cannot be read.
        """
        if not self.ca_file:
            return None
        roots = _read("certificates", self.ca_file)
        return grpc.ssl_channel_credentials(root_certificates=roots)


# On the machine itself, where the local server listens by default.
PLAIN = Security()


class Connection:
    """What a channel is opened with.

    Args:
        address: host:port, or several with commas between them. Host names among several
            are looked up here, once.
        security: certificates and token. Servers at several endpoints show certificates of
            the first one's host.

    Raises:
        FitRankError: one of these cannot be used.
    """

    def __init__(self, address: str, security: Security):
        endpoints = [_endpoint(part.strip()) for part in address.split(",")]
        config = _RETRY_ON_UNAVAILABLE | (_ROUND_ROBIN if len(endpoints) > 1 else {})
        self.address, self.metadata = address, security.metadata()
        self._options = [*_OPTIONS, ("grpc.service_config", json.dumps(config))]
        self._target, self._credentials = address, security.credentials()
        if len(endpoints) > 1:
            self._target = _target(endpoints)
            self._options.append(("grpc.ssl_target_name_override", endpoints[0][0]))

    def open(self, api: Any) -> Any:
        """A channel that connects with its first call.

        Args:
            api: `grpc` or `grpc.aio`.
        """
        if self._credentials is None:
            return api.insecure_channel(self._target, options=self._options)
        return api.secure_channel(self._target, self._credentials, options=self._options)


def _endpoint(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    valid_port = port.isascii() and port.isdigit() and 0 < int(port) <= _MAX_PORT
    if not host or not valid_port or any(c.isspace() or c == "/" for c in host):
        raise FitRankError(
            f"address '{address}': write it as host:port, as {DEFAULT_ADDRESS}"
        )
    return host.strip("[]"), int(port)


def _target(endpoints: Sequence[tuple[str, int]]) -> str:
    """The endpoints as gRPC takes several: numbers of one version of IP."""
    found = [_numbers(host) for host, _ in endpoints]
    for family, scheme, form in (
        (socket.AF_INET, "ipv4", "{}:{}"),
        (socket.AF_INET6, "ipv6", "[{}]:{}"),
    ):
        if all(family in numbers for numbers in found):
            pairs = zip(found, endpoints)
            texts = [form.format(numbers[family], port) for numbers, (_, port) in pairs]
            return f"{scheme}:{','.join(texts)}"
    hosts = ", ".join(host for host, _ in endpoints)
    raise FitRankError(
        f"address of {hosts}: some have IPv4 alone and some IPv6; give those of one version"
    )


def _numbers(host: str) -> dict[int, str]:
    """{family: IP address}."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise FitRankError(
            f"address '{host}': no such host ({error.strerror}); check the name"
        ) from error
    return {family: str(place[0]) for family, *_, place in reversed(found)}


def _read(what: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FitRankError(f"{what} {path}: cannot be read ({error.strerror})") from error


class RefusedError(FitRankError):
    """A server's refusal of what a request holds, such as an input it does not know."""


class NotFoundError(FitRankError):
    """A server that has no such model, or no such version of it."""


def failure(error: grpc.RpcError, address: str, model: str, timeout: float) -> FitRankError:
    """What a failed call means to a user, with the mend, in one line.

    Args:
        error: of the call.
        address: as the user gave it.
        model: that was asked.
        timeout: seconds that a search may take.
    """
    code, details = error.code(), " ".join((error.details() or "").split())
    mends = {
        grpc.StatusCode.UNAVAILABLE: (
            f"no server answers at {address} ({details}): start one, in a checkout with "
            "`make serve`, or give its --address"
        ),
        grpc.StatusCode.DEADLINE_EXCEEDED: (
            f"{address} did not answer within {timeout:g} s: check "
            "--address, or give a longer --timeout"
        ),
        grpc.StatusCode.NOT_FOUND: (
            f"{address} serves no model '{model}' ({details}): give "
            "another --model, or add it to the server's models.config"
        ),
        grpc.StatusCode.UNAUTHENTICATED: (
            f"{address} does not know the token ({details}): give the server's "
            "--auth_token_file"
        ),
    }
    if code in mends:
        is_missing = code == grpc.StatusCode.NOT_FOUND
        return (NotFoundError if is_missing else FitRankError)(mends[code])
    refusals = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION)
    kind = RefusedError if code in refusals else FitRankError
    return kind(
        f"{address} refused the search of model '{model}' "
        f"({code.name}: {details}): check --model, or send fewer queries at once"
    )
