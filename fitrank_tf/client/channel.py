"""A client's connection: address, limits, retries, TLS and token."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc

from fitrank_tf.core.errors import FitRankError

DEFAULT_ADDRESS = "localhost:8500"
_MAX_PORT = 65535

# gRPC's own limit is 4 MiB, which a large batch of answers with titles passes.
_MAX_RECEIVE_BYTES = 64 * 1024 * 1024

# gRPC retries by itself, with jitter, and never past the deadline of the call.
_RETRY_ON_UNAVAILABLE = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{"service": "tensorflow.serving.PredictionService"}],
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
)
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_RECEIVE_BYTES),
    ("grpc.service_config", _RETRY_ON_UNAVAILABLE),
    # A retry is of use only if the connection too is tried again by then.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
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


# On the machine itself, where the local server listens by default.
PLAIN = Security()


def open_channel(address: str, security: Security) -> grpc.Channel:
    """A channel that connects with its first call.

    Raises:
        FitRankError: the address or the certificates cannot be used.
    """
    _check_address(address)
    if not security.ca_file:
        return grpc.insecure_channel(address, options=_CHANNEL_OPTIONS)
    roots = _read("certificates", security.ca_file)
    credentials = grpc.ssl_channel_credentials(root_certificates=roots)
    return grpc.secure_channel(address, credentials, options=_CHANNEL_OPTIONS)


def _check_address(address: str) -> None:
    host, _, port = address.rpartition(":")
    valid_port = port.isascii() and port.isdigit() and 0 < int(port) <= _MAX_PORT
    if not host or not valid_port or any(c.isspace() or c == "/" for c in host):
        raise FitRankError(
            f"address '{address}': write it as host:port, as {DEFAULT_ADDRESS}"
        )


def _read(what: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FitRankError(f"{what} {path}: cannot be read ({error.strerror})") from error
