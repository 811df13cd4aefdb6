"""Servers for clients: the local server with toy models, and scripted ones."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_service_pb2_grpc

from tests.client.toy_shop import ToyShop
from tests.serving.toy_http import free_port
from tests.serving.toy_models import ToyAffine, ToySearch

REPOSITORY = Path(__file__).resolve().parents[2]
_CONFIG = 'config {{ name: "{0}" base_path: "{1}/{0}" model_platform: "tensorflow" }}'


@pytest.fixture(scope="session")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Of gRPC and of REST: a server of `search`, `shop`, `similar` and `affine`."""
    root = tmp_path_factory.mktemp("models")
    search, shop, affine = ToySearch(1), ToyShop(), ToyAffine()
    signatures = {
        "search": (search, {"serving_default": search.search}),
        "shop": (
            shop,
            {
                "serving_default": shop.search,
                "filtered": shop.filtered,
                "explained": shop.explained,
            },
        ),
        "similar": (
            shop,
            {"serving_default": shop.similar, "filtered": shop.similar_filtered},
        ),
        "affine": (affine, {"serving_default": affine.affine, "total": affine.total}),
    }
    for name, (model, named) in signatures.items():
        tf.saved_model.save(model, str(root / name / "1"), signatures=named)
    configs = " ".join(_CONFIG.format(name, root) for name in signatures)
    (root / "models.config").write_text(f"model_config_list {{ {configs} }}")
    rest_port = free_port()
    flags = (f"--model_config_file={root}/models.config", f"--rest_api_port={rest_port}")
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.server", "--port=0", *flags],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    ready = process.stdout.readline()
    try:
        yield int(ready.split()[2].rstrip(",").rpartition(":")[2]), rest_port
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def address(ports: tuple[int, int]) -> str:
    """Of the local server with the toy models."""
    return f"127.0.0.1:{ports[0]}"


@pytest.fixture
def start_server() -> Iterator[Callable[..., str]]:
    """Starts a gRPC server for any PredictionService servicer; returns its address.

    `start.stop(address)` ends one of them.
    """
    servers: dict[str, grpc.Server] = {}

    def start(
        servicer: prediction_service_pb2_grpc.PredictionServiceServicer,
        credentials: grpc.ServerCredentials | None = None,
        host: str = "127.0.0.1",
    ) -> str:
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            servicer, server
        )
        if credentials is None:
            port = server.add_insecure_port(f"{host}:0")
        else:
            port = server.add_secure_port(f"{host}:0", credentials)
        server.start()
        servers[f"{host}:{port}"] = server
        return f"{host}:{port}"

    start.stop = lambda address: servers[address].stop(None).wait()
    yield start
    for server in servers.values():
        server.stop(None).wait()
