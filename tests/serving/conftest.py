"""Toy models on disk, and servers for them."""

import gc
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_service_pb2_grpc
from toy_models import SERVING_DEFAULT, ToyAffine, ToySearch

from serving.model_config import read_model_configs
from serving.model_manager import ModelManager
from serving.server import ServerOptions, serve

MODELS_CONFIG = """
model_config_list {{
  config {{
    name: "search" base_path: "{bundle}/search" model_platform: "tensorflow"
    model_version_policy {{ all {{}} }}
    version_labels {{ key: "stable" value: 1 }}
    version_labels {{ key: "canary" value: 2 }}
  }}
  config {{ name: "affine" base_path: "{bundle}/affine" model_platform: "tensorflow" }}
}}
"""


@pytest.fixture(scope="session", autouse=True)
def _imports_frozen() -> None:
    """As the server does, so that a collection after an unload is short."""
    gc.freeze()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`search` in versions 1 and 2, `affine` in version 7, and their `models.config`."""
    root = tmp_path_factory.mktemp("bundle")
    for version in (1, 2):
        search = ToySearch(version)
        tf.saved_model.save(
            search, str(root / "search" / str(version)), signatures=search.search
        )
    affine = ToyAffine()
    tf.saved_model.save(
        affine,
        str(root / "affine" / "7"),
        signatures={SERVING_DEFAULT: affine.affine, "total": affine.total},
    )
    (root / "models.config").write_text(MODELS_CONFIG.format(bundle=root))
    return root


@pytest.fixture(scope="session")
def address(bundle: Path) -> Iterator[str]:
    """The address of a server that serves `bundle`."""
    manager = ModelManager(read_model_configs(bundle / "models.config"))
    server, port = serve(manager, ServerOptions(port=0, grpc_max_threads=4))
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()
    manager.close()


@pytest.fixture
def start_server() -> Iterator[Callable[..., str]]:
    """Starts a gRPC server for any PredictionService servicer; gives its address."""
    servers: list[grpc.Server] = []

    def start(servicer: prediction_service_pb2_grpc.PredictionServiceServicer) -> str:
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            servicer, server
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"

    yield start
    for server in servers:
        server.stop(None).wait()
