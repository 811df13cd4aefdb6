"""A local server with TF-Serving's APIs: `python -m serving.server`.

Reads the same `models.config`, takes the same flags and returns the same status codes
as `tensorflow_model_server`, for machines without Docker. Two things differ on
purpose: an unknown flag is an error, and so is a model without a version at the start,
where TF-Serving waits for ever.
"""

import argparse
import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from fitrank_tf.core.errors import FitRankError
from serving.http.rest_api import RestApi
from serving.http.server import HttpServer
from serving.models.model_config import read_model_configs, single_model_config
from serving.models.model_config_watcher import ModelConfigWatcher
from serving.models.model_manager import ModelManager
from serving.process.event_loop import event_loop
from serving.process.metrics import Metrics
from serving.process.options import (
    ServerOptions,
    flag_parser,
    manager_options,
    server_options,
)
from serving.process.stop_signals import StopSignals
from serving.requests.example_inference import ExampleInference
from serving.requests.inference import Inference, Threads
from serving.rpc.server import GrpcServer
from serving.rpc.services import Services

_THREADS_NAME = "tensorflow"

# The longest that a thread needs to end after it has sent its response.
_THREAD_END_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Server:
    """Serves requests over gRPC, and over HTTP if `rest_api_port` is set, until stopped.

    One event loop reads and writes both ports; the threads run TensorFlow.

    Attributes:
        port: the gRPC port.
        rest_api_port: the HTTP port; None where there is none.
    """

    def __init__(
        self,
        manager: ModelManager,
        options: ServerOptions,
        metrics: Metrics,
        pages: Sequence[BaseRoute] = (),
    ) -> None:
        """Starts serving models that are loaded already.

        Args:
            manager: the loaded models.
            options: where and how to listen.
            metrics: where requests are counted.
            pages: what the HTTP port serves beside, under paths of their own.

        Raises:
            FitRankError: an address cannot be listened on.
        """
        self._threads = Threads(options.grpc_max_threads, _THREADS_NAME)
        self._http: HttpServer | None = None
        starting = self._start(manager, options, metrics, pages)
        asyncio.run_coroutine_threadsafe(starting, event_loop()).result()
        self.port = self._grpc.port
        self.rest_api_port = self._http.port if self._http else None

    async def _start(
        self,
        manager: ModelManager,
        options: ServerOptions,
        metrics: Metrics,
        pages: Sequence[BaseRoute],
    ) -> None:
        inference = Inference(manager, metrics, options.limits, self._threads)
        examples = ExampleInference(inference, options.enable_signature_method_name_check)
        self._grpc = GrpcServer(options, Services(inference, examples))
        if options.rest_api_port is not None:
            app = RestApi(inference, examples, options, pages).app
            self._http = HttpServer(options, options.rest_api_port, app)
            await self._http.start()
        await self._grpc.start()

    def stop(self, seconds: float | None) -> threading.Event:
        """Refuses new requests, closes the ports and finishes requests in progress.

        Args:
            seconds: the longest to wait for requests in progress; None does not wait.

        Returns:
            An event that is set when the last request has ended or was abandoned.
        """
        stopped = threading.Event()
        stopping = asyncio.run_coroutine_threadsafe(self._stop(seconds), event_loop())
        stopping.add_done_callback(lambda _: stopped.set())
        return stopped

    async def _stop(self, seconds: float | None) -> None:
        parts: list[Coroutine[Any, Any, object]] = [self._grpc.stop(seconds)]
        if self._http is not None:
            parts.append(self._http.stop(seconds))
        await asyncio.gather(*parts)
        self._threads.shutdown(wait=False, cancel_futures=True)


def serve(
    manager: ModelManager,
    options: ServerOptions,
    metrics: Metrics | None = None,
    pages: Sequence[BaseRoute] = (),
) -> tuple[Server, int]:
    """Starts a server for models that are loaded already.

    Args:
        manager: the loaded models.
        options: where and how to listen.
        metrics: where requests are counted; None makes a new collection.
        pages: what the HTTP port serves beside, under paths of their own.

    Returns:
        The running server and its gRPC port.

    Raises:
        FitRankError: an address cannot be listened on.
    """
    server = Server(manager, options, metrics or Metrics(), pages)
    return server, server.port


def main(argv: Sequence[str] | None = None) -> int:
    """Loads models, serves them until SIGTERM or SIGINT, and returns the exit status."""
    arguments = flag_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        options = server_options(arguments)
        configs = _model_configs(arguments)
        loading = manager_options(arguments)
        # Modules loaded by now stay, so collections after an unload need not scan them.
        gc.freeze()
        metrics = Metrics()
        manager = ModelManager(configs, loading, metrics.model_event)
        watcher = _config_watcher(manager, arguments)
        try:
            _serve_until_signal(manager, options, metrics)
        finally:
            watcher.stop()
            manager.close()
    except FitRankError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    _end_threads()
    return 0


def _serve_until_signal(
    manager: ModelManager, options: ServerOptions, metrics: Metrics
) -> None:
    """Serves until a stop signal, then finishes the requests in progress."""
    signals = StopSignals()
    pages, at_stop = _pages(options)
    server, _ = serve(manager, options, metrics, pages)
    _warn_if_unprotected(options)
    print(f"serving on {_addresses(server, options)}: {manager.summary()}", flush=True)
    signals.wait()
    # A second signal ends the process without waiting for requests in progress.
    signals.exit_on_next()
    logger.info("stopping: up to %g s for requests in progress", options.drain_seconds)
    server.stop(options.drain_seconds).wait()
    at_stop()


def _pages(options: ServerOptions) -> tuple[list[BaseRoute], Callable[[], object]]:
    """What the REST port serves beside the API, and what to call at the stop."""
    pages: list[BaseRoute] = []
    at_stop: Callable[[], object] = list
    if options.demo:
        from serving.http.demo_page import demo_page

        pages.append(demo_page(options.demo, options.bind_address))
    if options.interleave:
        from serving.http.interleaved_search import interleaved_search

        page, recorder = interleaved_search(options.interleave, options.click_log)
        pages.append(page)
        at_stop = recorder.close
    return pages, at_stop


def _end_threads() -> None:
    """Ends the process now if a running op would keep it alive after the drain.

    Python joins the threads of its pools at exit, however long they take.
    """
    for thread in threading.enumerate():
        if thread.name.startswith(_THREADS_NAME):
            thread.join(_THREAD_END_SECONDS)
            if thread.is_alive():
                logger.warning("a request did not end in time: it is given up")
                logging.shutdown()
                os._exit(0)


def _warn_if_unprotected(options: ServerOptions) -> None:
    if options.is_unprotected:
        logger.warning(
            "%s is open to other machines without TLS or without a token: give "
            "--ssl_config_file and --auth_token_file",
            options.bind_address,
        )


def _addresses(server: Server, options: ServerOptions) -> str:
    addresses = f"{options.bind_address}:{server.port}"
    if server.rest_api_port is not None:
        addresses += f", REST on {options.bind_address}:{server.rest_api_port}"
    return addresses


def _config_watcher(
    manager: ModelManager, arguments: argparse.Namespace
) -> ModelConfigWatcher:
    # A single model given by flags has no configuration file that could change.
    seconds = arguments.model_config_file_poll_wait_seconds
    seconds = seconds if arguments.model_config_file else 0
    return ModelConfigWatcher(manager, Path(arguments.model_config_file), seconds)


def _model_configs(arguments: argparse.Namespace) -> list[ModelConfig]:
    if bool(arguments.model_config_file) == bool(arguments.model_base_path):
        raise FitRankError("give either --model_config_file or --model_base_path")
    if arguments.model_config_file:
        return read_model_configs(Path(arguments.model_config_file))
    return [single_model_config(arguments.model_name, arguments.model_base_path)]


if __name__ == "__main__":
    sys.exit(main())
