"""TLS on both ports, with certificates generated here."""

import datetime
import ipaddress
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from fitrank_tf.core.errors import FitRankError
from serving.process.tls import read_tls_config
from serving.server import Server
from tests.serving.toy_http import call
from tests.serving.toy_requests import affine_request, arrays


@dataclass(frozen=True)
class Pair:
    """A key and its self-signed certificate, as PEM."""

    key: str
    certificate: str


def make_pair(name: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Pair(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
    )


SERVER, CLIENT, STRANGER = make_pair("server"), make_pair("client"), make_pair("stranger")


def write_config(path: Path, **fields: object) -> Path:
    # Strings and booleans are the same in JSON and in the text format.
    lines = [f"{name}: {json.dumps(value)}" for name, value in fields.items()]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def server(start_models, bundle: Path, tmp_path_factory) -> Server:
    path = write_config(
        tmp_path_factory.mktemp("tls") / "ssl.config",
        server_key=SERVER.key,
        server_cert=SERVER.certificate,
    )
    return start_models(bundle / "affine", rest_api_port=0, tls=read_tls_config(path))


@pytest.fixture(scope="module")
def strict_server(start_models, bundle: Path, tmp_path_factory) -> Server:
    """Accepts only clients with the certificate CLIENT."""
    path = write_config(
        tmp_path_factory.mktemp("tls") / "ssl.config",
        server_key=SERVER.key,
        server_cert=SERVER.certificate,
        custom_ca=CLIENT.certificate,
        client_verify=True,
    )
    return start_models(bundle / "affine", rest_api_port=0, tls=read_tls_config(path))


def channel_to(server: Server, pair: Pair | None = None) -> grpc.Channel:
    credentials = grpc.ssl_channel_credentials(
        SERVER.certificate.encode(),
        *((pair.key.encode(), pair.certificate.encode()) if pair else ()),
    )
    return grpc.secure_channel(f"127.0.0.1:{server.port}", credentials)


def client_context(tmp_path: Path, pair: Pair | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=SERVER.certificate)
    if pair is not None:
        path = tmp_path / "pair.pem"
        path.write_text(pair.key + pair.certificate)
        context.load_cert_chain(path)
    return context


def predict(channel: grpc.Channel) -> list:
    with channel:
        response = PredictionServiceStub(channel).Predict(affine_request(), timeout=5)
    return arrays(response)["y"].tolist()


def test_grpc_works_under_tls(server: Server):
    assert predict(channel_to(server)) == [[305.0, 324.0]]


def test_rest_works_under_tls(server: Server, tmp_path: Path):
    context = client_context(tmp_path)
    reply = call(server.rest_api_port, "GET", "/v1/models/affine", context=context)
    assert reply.code == 200


def test_plain_text_is_refused(server: Server):
    with pytest.raises(grpc.RpcError) as raised:
        predict(grpc.insecure_channel(f"127.0.0.1:{server.port}"))
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    with pytest.raises(OSError):
        call(server.rest_api_port, "GET", "/v1/models/affine")


def test_client_that_does_not_trust_the_certificate_cannot_connect(server: Server):
    with pytest.raises(ssl.SSLCertVerificationError):
        call(
            server.rest_api_port,
            "GET",
            "/v1/models/affine",
            context=ssl.create_default_context(cadata=STRANGER.certificate),
        )


def test_silent_client_does_not_block_others(server: Server, tmp_path: Path):
    with socket.create_connection(("127.0.0.1", server.rest_api_port), timeout=5):
        context = client_context(tmp_path)
        reply = call(server.rest_api_port, "GET", "/v1/models/affine", context=context)
    assert reply.code == 200


def test_client_with_its_certificate_is_accepted(strict_server: Server, tmp_path: Path):
    assert predict(channel_to(strict_server, CLIENT)) == [[305.0, 324.0]]
    context = client_context(tmp_path, CLIENT)
    port = strict_server.rest_api_port
    assert call(port, "GET", "/v1/models/affine", context=context).code == 200


@pytest.mark.parametrize("pair", [None, STRANGER], ids=["none", "stranger"])
def test_client_without_its_certificate_is_rejected(strict_server, tmp_path: Path, pair):
    with pytest.raises(grpc.RpcError) as raised:
        predict(channel_to(strict_server, pair))
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    with pytest.raises(OSError):
        call(
            strict_server.rest_api_port,
            "GET",
            "/v1/models/affine",
            context=client_context(tmp_path, pair),
        )


@pytest.mark.parametrize(
    ("fields", "gist"),
    [
        ({"server_cert": SERVER.certificate}, "no server_key"),
        ({"server_key": SERVER.key}, "no server_cert"),
        ({"server_key": SERVER.key, "server_cert": CLIENT.certificate}, "is no PEM, or"),
        ({"server_key": "/etc/key.pem", "server_cert": "/etc/cert.pem"}, "not a path"),
        (
            {
                "server_key": SERVER.key,
                "server_cert": SERVER.certificate,
                "client_verify": True,
            },
            "client_verify without custom_ca",
        ),
        ({"server_kei": SERVER.key}, 'no field named "server_kei"'),
    ],
)
def test_unusable_file_is_named_without_its_secret(tmp_path: Path, fields, gist: str):
    path = write_config(tmp_path / "ssl.config", **fields)
    with pytest.raises(FitRankError, match=gist) as raised:
        read_tls_config(path)
    assert SERVER.key[40:60] not in str(raised.value)


def test_key_is_not_shown(tmp_path: Path):
    path = write_config(
        tmp_path / "ssl.config", server_key=SERVER.key, server_cert=SERVER.certificate
    )
    assert SERVER.key[40:60] not in repr(read_tls_config(path))
