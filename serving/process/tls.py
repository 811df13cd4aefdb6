"""`--ssl_config_file`: the server's certificate, for both gRPC and REST."""

import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from fitrank_tf.core.errors import FitRankError
from serving.process.text_proto import message_classes, read_text_proto

# config/ssl_config.proto of tensorflow/serving.
_SSL_CONFIG = message_classes(
    "tensorflow_serving/config/ssl_config.proto",
    {
        "SSLConfig": {
            "server_key": str,
            "server_cert": str,
            "custom_ca": str,
            "client_verify": bool,
        }
    },
)["SSLConfig"]

_FLAG = "--ssl_config_file"


@dataclass(frozen=True)
class TlsConfig:
    """A server's certificate, and which clients it accepts.

    Attributes:
        server_key: PEM of the private key.
        server_cert: PEM of the certificate, with its chain.
        custom_ca: PEM of the authorities that sign clients' certificates; "" uses the
            machine's authorities.
        client_verify: whether a client must present a certificate.
    """

    server_key: str = field(repr=False)
    server_cert: str
    custom_ca: str = ""
    client_verify: bool = False

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """The configuration as credentials of a gRPC server."""
        return grpc.ssl_server_credentials(
            [(self.server_key.encode(), self.server_cert.encode())],
            root_certificates=self.custom_ca.encode() or None,
            require_client_auth=self.client_verify,
        )

    def ssl_context(self) -> ssl.SSLContext:
        """The configuration as a context for Python's sockets.

        Raises:
            FitRankError: key and certificate do not belong together, or are not PEM.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # The ssl module reads only files; this one is private, and deleted after use.
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as pair:
                pair.write(self.server_key + "\n" + self.server_cert)
                pair.flush()
                context.load_cert_chain(pair.name)
            if self.custom_ca:
                context.load_verify_locations(cadata=self.custom_ca)
        except (ssl.SSLError, ValueError) as error:
            raise FitRankError(
                f"{_FLAG}: server_key, server_cert or custom_ca is no PEM, or the key is "
                f"not the certificate's ({error}): write their text, not a path"
            ) from error
        if self.client_verify:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def read_tls_config(path: Path) -> TlsConfig:
    """Reads an `SSLConfig` text proto.

    Raises:
        FitRankError: the file is not an `SSLConfig`, lacks the key or the certificate, or
            the two do not belong together.
    """
    config = read_text_proto(path, _SSL_CONFIG(), _FLAG)
    for name in ("server_key", "server_cert"):
        if not getattr(config, name):
            raise FitRankError(f"{path}: no {name}: give it as PEM text")
    # Without the authority gRPC would silently reject every client.
    if config.client_verify and not config.custom_ca:
        raise FitRankError(
            f"{path}: client_verify without custom_ca: add the authority of the clients"
        )
    tls = TlsConfig(
        server_key=config.server_key,
        server_cert=config.server_cert,
        custom_ca=config.custom_ca,
        client_verify=config.client_verify,
    )
    # Checked here because gRPC reports a bad pair only in its own log, after the start.
    tls.ssl_context()
    return tls
