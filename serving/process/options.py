"""The command line: `tensorflow_model_server`'s flags, and some of our own.

Flags of the same name mean the same, with the same defaults. Unlike there, an unknown
flag is refused, for a typing error would else pass in silence.
"""

import argparse
import ipaddress
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from fitrank_tf.core.errors import FitRankError
from serving.batching.parameters import batching_of_flags
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

# As TF-Serving: four a core, since TensorFlow's own threads do the work.
_THREADS = 4 * (os.cpu_count() or 1)

T = TypeVar("T")


@dataclass(frozen=True)
class ServerOptions:
    """Where and how to listen.

    Attributes:
        port: TCP port for gRPC; 0 takes a free one.
        bind_address: loopback by default, for TLS and a token have to be set up first.
        grpc_max_threads: gRPC requests worked on at once.
        grpc_channel_arguments: further arguments of gRPC's server, name -> value.
        rest_api_port: TCP port for HTTP; 0 takes a free one, None is no REST API.
        rest_api_num_threads: HTTP requests worked on at once.
        rest_api_timeout_in_ms: the longest that an HTTP request may take.
        enable_grpc_healthcheck_service: whether to serve grpc.health.v1.
        enable_signature_method_name_check: whether `Classify` and `Regress` want the
            method name of a signature to be theirs.
        metrics_path: path on the REST port for Prometheus; None is no metrics.
        limits: what one request may ask for.
        tls: the certificate for both ports; None is plain text.
        token: what every request has to bring; None is nothing.
        drain_seconds: the longest that a stop waits for the requests in work.
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
        if self.metrics_path and self.rest_api_port is None:
            raise FitRankError(
                "--monitoring_config_file serves metrics on the REST port: give a "
                "--rest_api_port"
            )

    @property
    def is_open(self) -> bool:
        """Whether other machines reach the server and nothing keeps them out."""
        return not self._is_loopback and (self.tls is None or self.token is None)

    @property
    def _is_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.bind_address.strip("[]")).is_loopback
        except ValueError:
            return self.bind_address == "localhost"


def server_options(arguments: argparse.Namespace) -> ServerOptions:
    """How to listen, by the flags; reads the files that they name.

    Raises:
        FitRankError: a value or a file cannot be used.
    """
    return _options(
        ServerOptions,
        arguments,
        grpc_channel_arguments=_channel_arguments(arguments.grpc_channel_arguments),
        # TF-Serving's 0 is no REST API.
        rest_api_port=arguments.rest_api_port or None,
        metrics_path=_read(read_metrics_path, arguments.monitoring_config_file),
        limits=_options(Limits, arguments),
        tls=_read(read_tls_config, arguments.ssl_config_file),
        token=_read(read_auth_token, arguments.auth_token_file),
    )


def manager_options(arguments: argparse.Namespace) -> ManagerOptions:
    """How to load models and keep them up to date, by the flags.

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
            batching=batching_of_flags(
                arguments.enable_batching, arguments.batching_parameters_file
            ),
        ),
    )


def flag_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    # No abbreviations: TF-Serving has none, and a new flag would change their meaning.
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
        "pause between two looks at it; 0 for none after the start",
    )
    _add(group, "model_base_path", "", "one model: the parent of its versions")
    _add(group, "model_name", "default", "its name")
    _add(
        group,
        "allow_version_labels_for_unavailable_models",
        False,
        "let a new label point at a version that is not loaded",
    )


def _add_loading_flags(group: argparse._ArgumentGroup) -> None:
    _add(
        group,
        "file_system_poll_wait_seconds",
        1,
        "pause between two looks for new versions; 0 for none after the start",
    )
    _add(
        group,
        "max_num_load_retries",
        VersionOptions.max_num_load_retries,
        "further tries of a version that cannot be loaded",
    )
    _add(
        group,
        "load_retry_interval_micros",
        VersionOptions.load_retry_interval_micros,
        "pause before each of them",
    )
    _add(group, "enable_model_warmup", True, "answer the warm-up requests of a version")
    _add(
        group,
        "num_request_iterations_for_warmup",
        WarmupOptions.num_request_iterations_for_warmup,
        "how often each; 0 for once",
    )


def _add_running_flags(group: argparse._ArgumentGroup) -> None:
    _add(group, "enable_batching", False, "run requests that wait at once as one")
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
        "both of these",
    )
    _add(
        group,
        "enable_signature_method_name_check",
        False,
        "refuse Classify and Regress for signatures of another method name",
    )


def _add_listening_flags(group: argparse._ArgumentGroup) -> None:
    defaults = ServerOptions
    _add(group, "port", defaults.port, "gRPC port")
    _add(group, "bind_address", defaults.bind_address, "ours: address to listen on")
    _add(group, "grpc_max_threads", defaults.grpc_max_threads, "gRPC requests at once")
    _add(group, "grpc_channel_arguments", "", "for gRPC's server: name=value,...")
    _add(group, "rest_api_port", 0, "HTTP port; 0 for none")
    _add(
        group,
        "rest_api_num_threads",
        defaults.rest_api_num_threads,
        "HTTP requests at once",
    )
    _add(
        group,
        "rest_api_timeout_in_ms",
        defaults.rest_api_timeout_in_ms,
        "longest time for an HTTP request",
    )
    _add(group, "monitoring_config_file", "", "MonitoringConfig as a text proto")
    _add(group, "enable_grpc_healthcheck_service", False, "serve grpc.health.v1")
    _add(
        group,
        "drain_seconds",
        defaults.drain_seconds,
        "ours: longest wait for the requests in work, at the end",
    )


def _add_security_flags(group: argparse._ArgumentGroup) -> None:
    _add(group, "ssl_config_file", "", "SSLConfig as a text proto, for both ports")
    _add(group, "auth_token_file", "", "ours: the token that every request has to bring")
    _add(
        group,
        "max_request_bytes",
        Limits.max_request_bytes,
        "ours: bytes of a request; 0 for no limit",
    )
    _add(
        group,
        "max_request_batch",
        Limits.max_request_batch,
        "ours: rows of an input; 0 for no limit",
    )
    _add(
        group,
        "max_string_bytes",
        Limits.max_string_bytes,
        "ours: bytes of one string; 0 for no limit",
    )


def _add(
    group: argparse._ArgumentGroup, name: str, default: bool | int | float | str, text: str
) -> None:
    """Adds a flag of its default's type; a bool may stand alone or be =true or =false."""
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


def _options(kind: type[T], arguments: argparse.Namespace, **others: Any) -> T:
    """An options dataclass: its fields are the flags of their names, or `others`."""
    flags = {
        one.name: getattr(arguments, one.name)
        for one in fields(kind)
        if hasattr(arguments, one.name)
    }
    return kind(**{**flags, **others})


def _read(reader: Callable[[Path], T], file: str) -> T | None:
    """What a reader makes of the file of a flag; None without a file."""
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
