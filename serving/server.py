"""A local server with TF-Serving's gRPC API: `python -m serving.server`.

Reads the same `models.config`, takes the same flags and answers the same status codes
as `tensorflow_model_server`, for machines without Docker. Two things differ on
purpose: an unknown flag is refused, and a model without a version ends the start with
one line, where TF-Serving waits for ever.
"""

import argparse
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from fitrank_tf.errors import FitRankError
from serving.model_config import read_model_configs, single_model_config
from serving.model_manager import ModelManager
from serving.model_service import ModelService
from serving.prediction_service import PredictionService

_MAX_PORT = 65535
_UNLIMITED = -1

# Long enough for any request of ours, shorter than what process managers wait.
_DRAIN_SECONDS = 20.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerOptions:
    """Where and how to listen.

    Attributes:
        port: TCP port; 0 takes a free one.
        bind_address: loopback by default, for the server has neither TLS nor a token.
        grpc_max_threads: requests worked on at once; TF-Serving too defaults to four a
            core, since TensorFlow's own threads do the work.
    """

    port: int = 8500
    bind_address: str = "127.0.0.1"
    grpc_max_threads: int = 4 * (os.cpu_count() or 1)

    def __post_init__(self) -> None:
        if not 0 <= self.port <= _MAX_PORT:
            raise FitRankError(f"--port={self.port}: give a number from 0 to {_MAX_PORT}")
        if self.grpc_max_threads < 1:
            raise FitRankError(
                f"--grpc_max_threads={self.grpc_max_threads}: give at least 1"
            )


def serve(manager: ModelManager, options: ServerOptions) -> tuple[grpc.Server, int]:
    """Starts to answer requests for models that are loaded already.

    Returns:
        The running server and its port.

    Raises:
        FitRankError: the address cannot be listened on.
    """
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=options.grpc_max_threads),
        options=[
            # As TF-Serving: catalogues' worth of images arrive in one message.
            ("grpc.max_receive_message_length", _UNLIMITED),
            ("grpc.max_send_message_length", _UNLIMITED),
            # Else Linux lets two servers share a port, and each gets half the requests.
            ("grpc.so_reuseport", 0),
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(manager), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(manager), server)
    address = f"{options.bind_address}:{options.port}"
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise FitRankError(
            f"cannot listen on {address}: stop what listens there, or give another --port "
            "or --bind_address"
        ) from error
    server.start()
    return server, port


def main(argv: Sequence[str] | None = None) -> int:
    """Loads, serves until SIGTERM or SIGINT, and returns the exit status."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        options = ServerOptions(
            arguments.port, arguments.bind_address, arguments.grpc_max_threads
        )
        # What is loaded by now stays: collections after an unload need not look at it.
        gc.freeze()
        manager = ModelManager(_model_configs(arguments))
        _serve_until_signal(manager, options)
    except FitRankError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _serve_until_signal(manager: ModelManager, options: ServerOptions) -> None:
    """Serves, then refuses new requests and finishes those that are in work."""
    stop_requested = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_requested.set())
    server, port = serve(manager, options)
    print(f"serving on {options.bind_address}:{port}: {manager.summary()}", flush=True)
    stop_requested.wait()
    logger.info("stopping: up to %.0f s for the requests in work", _DRAIN_SECONDS)
    server.stop(_DRAIN_SECONDS).wait()
    manager.close()


def _model_configs(arguments: argparse.Namespace) -> list[ModelConfig]:
    if bool(arguments.model_config_file) == bool(arguments.model_base_path):
        raise FitRankError("give either --model_config_file or --model_base_path")
    if arguments.model_config_file:
        return read_model_configs(Path(arguments.model_config_file))
    return [single_model_config(arguments.model_name, arguments.model_base_path)]


def _parser() -> argparse.ArgumentParser:
    # No abbreviations: TF-Serving has none, and a new flag would change their meaning.
    parser = argparse.ArgumentParser(
        prog="python -m serving.server", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--port",
        type=int,
        default=ServerOptions.port,
        help="gRPC port (default: %(default)s)",
    )
    parser.add_argument("--model_config_file", help="ModelServerConfig as a text proto")
    parser.add_argument("--model_base_path", help="one model: the parent of its versions")
    parser.add_argument(
        "--model_name", default="default", help="its name (default: %(default)s)"
    )
    parser.add_argument(
        "--grpc_max_threads",
        type=int,
        default=ServerOptions.grpc_max_threads,
        help="requests worked on at once (default: %(default)s)",
    )
    parser.add_argument(
        "--bind_address",
        default=ServerOptions.bind_address,
        help="ours, not TF-Serving's: the address to listen on (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
