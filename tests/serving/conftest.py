"""Toy models on disk, and servers of them."""

import contextlib
import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_service_pb2_grpc
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from serving.models.model_config import read_model_configs, single_model_config
from serving.models.model_manager import ManagerOptions, ModelManager
from serving.process.metrics import Metrics
from serving.process.options import ServerOptions
from serving.server import Server, serve
from tests.serving.toy_models import (
    SERVING_DEFAULT,
    SlowModel,
    ToyAffine,
    ToySearch,
    save_example_model,
)

DEFAULT_LOADING = ManagerOptions()
REPOSITORY = Path(__file__).resolve().parents[2]

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
    """Freezes imported modules as the server does: collections after unloads are short."""
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


@pytest.fixture(scope="session")
def example_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base path of the model `examples`, version 3."""
    base_path = tmp_path_factory.mktemp("models") / "examples"
    save_example_model(base_path / "3")
    return base_path


@pytest.fixture(scope="session")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base path of the model `slow`, version 1."""
    base_path = tmp_path_factory.mktemp("models") / "slow"
    slow = SlowModel()
    tf.saved_model.save(slow, str(base_path / "1"), signatures=slow.wait)
    return base_path


@pytest.fixture(scope="module")
def start_models() -> Iterator[Callable[..., Server]]:
    """Starts servers for configurations, or for base paths named like their model."""
    started: list[tuple[Server, ModelManager]] = []

    def start(
        *models: ModelConfig | Path,
        loading: ManagerOptions = DEFAULT_LOADING,
        **options: object,
    ) -> Server:
        metrics = Metrics()
        configs = [
            single_model_config(model.name, str(model))
            if isinstance(model, Path)
            else model
            for model in models
        ]
        manager = ModelManager(configs, loading, metrics.model_event)
        server, _ = serve(manager, ServerOptions(port=0, **options), metrics)
        started.append((server, manager))
        return server

    yield start
    for server, manager in started:
        server.stop(None).wait()
        manager.close()


@pytest.fixture
def start_server() -> Iterator[Callable[..., str]]:
    """Starts a gRPC server for any PredictionService servicer; returns its address."""
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


@contextlib.contextmanager
def start_server_command(*flags: str) -> Iterator[subprocess.Popen]:
    """Runs `python -m serving.server` on a free port until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.server", "--port=0", *flags],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def start_command() -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts `python -m serving.server` on a free port; kills it after the test."""
    with contextlib.ExitStack() as running:
        yield lambda *flags: running.enter_context(start_server_command(*flags))
