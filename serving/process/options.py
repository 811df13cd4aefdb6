"""The command line: `tensorflow_model_server`'s flags, and some that only this server has.

Flags that both servers have mean the same and have the same defaults. Unlike in
TF-Serving an unknown flag is an error, because a typo would otherwise go unnoticed.
"""

import argparse
import ipaddress
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from fitrank_tf.core.errors import FitRankError
from serving.batching.parameters import batching_from_flags
from serving.models.model_manager import ManagerOptions
from serving.models.model_versions import VersionOptions
from serving.models.servable import SessionOptions
from serving.models.servable_loader import LoaderOptions
from serving.models.warmup import WarmupOptions
from serving.process.auth_token import AuthToken, read_auth_token
from serving.process.monitoring_config import read_metrics_path
from serving.process.tls import TlsConfig, read_tls_config
from serving.requests.limits import Limits

_MAX_PORT = 65535

# As in TF-Serving: four threads a core, since TensorFlow's own threads do the work.
_THREADS = 4 * (os.cpu_count() or 1)

T = TypeVar("T")


@dataclass(frozen=True)
class ServerOptions:
    """Where and how the server listens.

    Attributes:
        port: TCP port for gRPC; 0 takes a free one.
        bind_address: address to listen on; loopback by default, because TLS and a token
            have to be set up before others may connect.
        grpc_max_threads: gRPC requests handled concurrently.
        grpc_channel_arguments: further (name, value) arguments of gRPC's server.
        rest_api_port: TCP port for HTTP; 0 takes a free one, None disables the REST API.
        rest_api_num_threads: HTTP requests handled concurrently.
        rest_api_timeout_in_ms: the longest that an HTTP request may take, in
            milliseconds.
        enable_grpc_healthcheck_service: whether to serve grpc.health.v1.
        enable_signature_method_name_check: whether `Classify` and `Regress` require a
            signature with their own method name.
        metrics_path: path of the metrics on the REST port; None serves no metrics.
        limits: the largest request, batch and string accepted.
        tls: the certificate for both ports; None serves plain text.
        token: the token that every request must carry; None requires none.
        drain_seconds: the longest that a stop waits for requests in progress.
        demo: folder of a bundle whose search a page under /demo shows; "" for no page.
        interleave: folders of two bundles, A,B, whose results /interleaved mixes; "" for
            none.
        click_log: file that gets the clicks on interleaved results.

    Raises:
        FitRankError: a value is out of range, both ports are the same, metrics, the page or
            interleaving are enabled without a REST port, or the page with a token.
    """

    port: int = 8500
    bind_address: str = "127.0.0.1"
    grpc_max_threads: int = _THREADS
    grpc_channel_arguments: Sequence[tuple[str, int | str]] = ()
    rest_api_port: int | None = None
    rest_api_num_threads: int = _THREADS
    rest_api_timeout_in_ms: int = 30_000
    enable_grpc_healthcheck_service: bool = False
    enable_signature_method_name_check: bool = False
    metrics_path: str | None = None
    limits: Limits = field(default_factory=Limits)
    tls: TlsConfig | None = None
    token: AuthToken | None = None
    drain_seconds: float = 20.0
    demo: str = ""
    interleave: str = ""
    click_log: str = "clicks.csv"

    def __post_init__(self) -> None:
        for name in ("port", "rest_api_port"):
            if not 0 <= (getattr(self, name) or 0) <= _MAX_PORT:
                raise FitRankError(
                    f"--{name}={getattr(self, name)}: give a number from 0 to {_MAX_PORT}"
                )
        for name in ("grpc_max_threads", "rest_api_num_threads"):
            if getattr(self, name) < 1:
                raise FitRankError(f"--{name}={getattr(self, name)}: give at least 1")
        if self.drain_seconds < 0:
            raise FitRankError(f"--drain_seconds={self.drain_seconds}: give at least 0")
        if self.port and self.port == self.rest_api_port:
            raise FitRankError(
                f"--rest_api_port={self.port} is --port too: give another port"
            )
        if self.demo and self.rest_api_port is None:
            raise FitRankError("--demo is a page of the REST port: give a --rest_api_port")
        if self.interleave and self.rest_api_port is None:
            raise FitRankError("--interleave needs the REST port: give a --rest_api_port")
        if self.demo and self.token is not None:
            raise FitRankError(
                "--demo: a browser sends no token: serve the page without --auth_token_file"
            )
        if self.metrics_path and self.rest_api_port is None:
            raise FitRankError(
                "--monitoring_config_file serves metrics on the REST port: give a "
                "--rest_api_port"
            )

    @property
    def is_unprotected(self) -> bool:
        """Whether other machines can connect without TLS or without a token."""
        return not self._is_loopback and (self.tls is None or self.token is None)

    @property
    def _is_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.bind_address.strip("[]")).is_loopback
        except ValueError:
            return self.bind_address == "localhost"


def server_options(arguments: argparse.Namespace) -> ServerOptions:
    """The `ServerOptions` of the flags; reads the files that they name.

    Raises:
        FitRankError: a value or a file cannot be used.
    """
    return _options(
        ServerOptions,
        arguments,
        grpc_channel_arguments=_channel_arguments(arguments.grpc_channel_arguments),
        # In TF-Serving 0 disables the REST API.
        rest_api_port=arguments.rest_api_port or None,
        metrics_path=_read(read_metrics_path, arguments.monitoring_config_file),
        limits=_options(Limits, arguments),
        tls=_read(read_tls_config, arguments.ssl_config_file),
        token=_read(read_auth_token, arguments.auth_token_file),
    )


def manager_options(arguments: argparse.Namespace) -> ManagerOptions:
    """The `ManagerOptions` of the flags; reads the file of batching parameters.

    Raises:
        FitRankError: a value or a file cannot be used.
    """
    return _options(
        ManagerOptions,
        arguments,
        versions=_options(VersionOptions, arguments),
        loader=LoaderOptions(
            session=_options(SessionOptions, arguments),
            warmup=_options(WarmupOptions, arguments),
            batching=batching_from_flags(
                arguments.enable_batching, arguments.batching_parameters_file
            ),
        ),
    )


def flag_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    # No abbreviations: TF-Serving accepts none, and a new flag could change their meaning.
    parser = argparse.ArgumentParser(
        prog="python -m serving.server",
        description="Serves SavedModels with TF-Serving's gRPC and REST APIs.",
        allow_abbrev=False,
    )
    _add_model_flags(parser.add_argument_group("models"))
    _add_loading_flags(parser.add_argument_group("loading"))
    _add_running_flags(parser.add_argument_group("running"))
    _add_listening_flags(parser.add_argument_group("listening"))
    _add_security_flags(parser.add_argument_group("security and limits"))
    return parser


def _add_model_flags(group: argparse._ArgumentGroup) -> None:
    _add(group, "model_config_file", "", "ModelServerConfig as a text proto")
    _add(
        group,
        "model_config_file_poll_wait_seconds",
        0,
        "seconds between two reads of that file; 0 reads it only at the start",
    )
    _add(group, "model_base_path", "", "a single model: the parent of its versions")
    _add(group, "model_name", "default", "name of that model")
    _add(
        group,
        "allow_version_labels_for_unavailable_models",
        False,
        "allow a new label for a version that is not loaded",
    )


def _add_loading_flags(group: argparse._ArgumentGroup) -> None:
    _add(
        group,
        "file_system_poll_wait_seconds",
        1,
        "seconds between two polls for new versions; 0 polls only at the start",
    )
    _add(
        group,
        "max_num_load_retries",
        VersionOptions.max_num_load_retries,
        "retries of a version that cannot be loaded",
    )
    _add(
        group,
        "load_retry_interval_micros",
        VersionOptions.load_retry_interval_micros,
        "microseconds before each retry",
    )
    _add(group, "enable_model_warmup", True, "run the warm-up requests of a version")
    _add(
        group,
        "num_request_iterations_for_warmup",
        WarmupOptions.num_request_iterations_for_warmup,
        "times that each warm-up request is run; 0 for once",
    )


def _add_running_flags(group: argparse._ArgumentGroup) -> None:
    _add(group, "enable_batching", False, "merge concurrent requests into batches")
    _add(group, "batching_parameters_file", "", "BatchingParameters as a text proto")
    _add(
        group,
        "tensorflow_intra_op_parallelism",
        SessionOptions.tensorflow_intra_op_parallelism,
        "threads that one op may use; 0 leaves it to TensorFlow",
    )
    _add(
        group,
        "tensorflow_inter_op_parallelism",
        SessionOptions.tensorflow_inter_op_parallelism,
        "ops that run at once; 0 leaves it to TensorFlow",
    )
    _add(
        group,
        "tensorflow_session_parallelism",
        SessionOptions.tensorflow_session_parallelism,
        "sets both of the above",
    )
    _add(
        group,
        "enable_signature_method_name_check",
        False,
        "reject Classify and Regress on signatures of another method name",
    )


def _add_listening_flags(group: argparse._ArgumentGroup) -> None:
    defaults = ServerOptions
    _add(group, "port", defaults.port, "gRPC port")
    _add(group, "bind_address", defaults.bind_address, "not in TF-Serving: IP address")
    _add(group, "grpc_max_threads", defaults.grpc_max_threads, "concurrent gRPC requests")
    _add(group, "grpc_channel_arguments", "", "arguments of gRPC's server: name=value,...")
    _add(group, "rest_api_port", 0, "HTTP port; 0 for none")
    _add(
        group,
        "rest_api_num_threads",
        defaults.rest_api_num_threads,
        "concurrent HTTP requests",
    )
    _add(
        group,
        "rest_api_timeout_in_ms",
        defaults.rest_api_timeout_in_ms,
        "longest time of an HTTP request",
    )
    _add(group, "monitoring_config_file", "", "MonitoringConfig as a text proto")
    _add(group, "enable_grpc_healthcheck_service", False, "serve grpc.health.v1")
    _add(
        group,
        "drain_seconds",
        defaults.drain_seconds,
        "not in TF-Serving: longest wait for requests in progress at a stop",
    )
    _add(group, "demo", "", "not in TF-Serving: bundle to look at on a page under /demo")
    _add(
        group,
        "interleave",
        defaults.interleave,
        "not in TF-Serving: two bundles A,B to compare by clicks, under /interleaved",
    )
    _add(group, "click_log", defaults.click_log, "not in TF-Serving: log of --interleave")


def _add_security_flags(group: argparse._ArgumentGroup) -> None:
    _add(group, "ssl_config_file", "", "SSLConfig as a text proto, for both ports")
    _add(group, "auth_token_file", "", "not in TF-Serving: token of all requests")
    _add(
        group,
        "max_request_bytes",
        Limits.max_request_bytes,
        "not in TF-Serving: most bytes of a request; 0 for no limit",
    )
    _add(
        group,
        "max_request_batch",
        Limits.max_request_batch,
        "not in TF-Serving: most rows of an input; 0 for no limit",
    )
    _add(
        group,
        "max_string_bytes",
        Limits.max_string_bytes,
        "not in TF-Serving: most bytes of a string; 0 for no limit",
    )
    _add(
        group,
        "max_json_values",
        Limits.max_json_values,
        "not in TF-Serving: most values of an HTTP body; 0 for no limit",
    )
    _add(
        group,
        "max_response_bytes",
        Limits.max_response_bytes,
        "not in TF-Serving: most bytes of all outputs; 0 for no limit",
    )
    _add(
        group,
        "max_execution_batch",
        Limits.max_execution_batch,
        "not in TF-Serving: rows that run at once without batching; 0 for all",
    )


def _add(
    group: argparse._ArgumentGroup, name: str, default: bool | int | float | str, text: str
) -> None:
    """Adds a flag of its default's type; a bool is `--flag`, `--flag=true` or `=false`."""
    shown = f"{text} (default: {str(default).lower() if default != '' else 'none'})"
    if isinstance(default, bool):
        group.add_argument(
            f"--{name}", type=_boolean, nargs="?", const=True, default=default, help=shown
        )
    else:
        group.add_argument(f"--{name}", type=type(default), default=default, help=shown)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"'{text}' is neither true nor false")
    return text.lower() == "true"


def _options(kind: Any, arguments: argparse.Namespace, **others: Any) -> Any:
    """An options dataclass, filled from the flags of its fields' names and `others`."""
    flags = {
        one.name: getattr(arguments, one.name)
        for one in fields(kind)
        if hasattr(arguments, one.name)
    }
    return kind(**{**flags, **others})


def _read(reader: Callable[[Path], T], file: str) -> T | None:
    """Reads the file that a flag names; None without a file."""
    return reader(Path(file)) if file else None


def _channel_arguments(text: str) -> list[tuple[str, int | str]]:
    arguments: list[tuple[str, int | str]] = []
    for part in filter(None, text.split(",")):
        name, separator, value = part.partition("=")
        if not name or not separator:
            raise FitRankError(
                f"--grpc_channel_arguments={text}: write it as name=value,name=value"
            )
        arguments.append((name, int(value) if value.lstrip("-").isdigit() else value))
    return arguments
