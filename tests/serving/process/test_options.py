"""Flags: TF-Serving's names, forms and defaults; one-line errors."""

import re
from pathlib import Path

import pytest

from fitrank_tf.core.errors import FitRankError
from serving.process.options import (
    ServerOptions,
    flag_parser,
    manager_options,
    server_options,
)
from serving.requests.limits import Limits

# From main.cc and server.h of tensorflow/serving; defaults of the machine left out.
STOCK_DEFAULTS = {
    "port": 8500,
    "rest_api_port": 0,
    "rest_api_timeout_in_ms": 30_000,
    "model_config_file": "",
    "model_config_file_poll_wait_seconds": 0,
    "model_name": "default",
    "model_base_path": "",
    "file_system_poll_wait_seconds": 1,
    "max_num_load_retries": 5,
    "load_retry_interval_micros": 60_000_000,
    "enable_batching": False,
    "batching_parameters_file": "",
    "enable_model_warmup": True,
    "num_request_iterations_for_warmup": 0,
    "allow_version_labels_for_unavailable_models": False,
    "tensorflow_session_parallelism": 0,
    "tensorflow_intra_op_parallelism": 0,
    "tensorflow_inter_op_parallelism": 0,
    "enable_signature_method_name_check": False,
    "enable_grpc_healthcheck_service": False,
    "monitoring_config_file": "",
    "ssl_config_file": "",
    "grpc_channel_arguments": "",
}
OURS = {
    "bind_address",
    "drain_seconds",
    "auth_token_file",
    "max_request_bytes",
    "max_request_batch",
    "max_string_bytes",
    "max_json_values",
    "max_response_bytes",
    "max_execution_batch",
    "demo",
    "interleave",
    "click_log",
}
OF_THE_MACHINE = {"grpc_max_threads", "rest_api_num_threads"}


def options_of(*flags: str) -> ServerOptions:
    return server_options(flag_parser().parse_args(flags))


def test_defaults_are_those_of_tensorflow_model_server():
    defaults = vars(flag_parser().parse_args([]))
    assert {name: defaults[name] for name in STOCK_DEFAULTS} == STOCK_DEFAULTS
    assert set(defaults) == set(STOCK_DEFAULTS) | OURS | OF_THE_MACHINE


@pytest.mark.parametrize(
    "name", sorted(n for n, v in STOCK_DEFAULTS.items() if v in (0, 1))
)
def test_flag_of_each_kind_is_read(name: str):
    if not isinstance(STOCK_DEFAULTS[name], bool):
        assert getattr(flag_parser().parse_args([f"--{name}=7"]), name) == 7
        return
    for flag, value in (("", True), ("=true", True), ("=false", False), ("=True", True)):
        assert getattr(flag_parser().parse_args([f"--{name}{flag}"]), name) is value


@pytest.mark.parametrize(
    "flag", ["--enable_batching=1", "--enable_batching=yes", "--port=a", "--port", "model"]
)
def test_value_of_another_kind_is_refused(capsys, flag: str):
    with pytest.raises(SystemExit):
        flag_parser().parse_args([flag])
    assert "error: " in capsys.readouterr().err


def test_flags_reach_the_options():
    arguments = flag_parser().parse_args(
        [
            "--file_system_poll_wait_seconds=3",
            "--max_num_load_retries=2",
            "--load_retry_interval_micros=4",
            "--enable_model_warmup=false",
            "--num_request_iterations_for_warmup=5",
            "--tensorflow_intra_op_parallelism=6",
            "--allow_version_labels_for_unavailable_models",
            "--enable_batching",
        ]
    )
    options = manager_options(arguments)
    assert options.file_system_poll_wait_seconds == 3
    assert options.allow_version_labels_for_unavailable_models is True
    assert options.versions.max_num_load_retries == 2
    assert options.versions.load_retry_interval_micros == 4
    assert options.loader.warmup.enable_model_warmup is False
    assert options.loader.warmup.num_request_iterations_for_warmup == 5
    assert options.loader.session.tensorflow_intra_op_parallelism == 6
    assert options.loader.batching is not None


def test_listening_flags_reach_the_options(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    monitoring = tmp_path / "monitoring.config"
    monitoring.write_text("prometheus_config { enable: true }")
    options = options_of(
        "--port=1",
        "--rest_api_port=2",
        "--grpc_channel_arguments=grpc.max_connection_age_ms=2000,grpc.x=y",
        f"--auth_token_file={token}",
        f"--monitoring_config_file={monitoring}",
        "--max_string_bytes=3",
        "--drain_seconds=4.5",
    )
    assert (options.port, options.rest_api_port) == (1, 2)
    assert dict(options.grpc_channel_arguments) == {
        "grpc.max_connection_age_ms": 2000,
        "grpc.x": "y",
    }
    assert options.token.admits("Bearer 0123456789abcdef")
    assert options.metrics_path == "/monitoring/prometheus/metrics"
    assert options.limits == Limits(max_string_bytes=3)
    assert options.drain_seconds == 4.5


def test_rest_api_is_off_by_default():
    assert options_of().rest_api_port is None


@pytest.mark.parametrize(
    ("flags", "gist"),
    [
        (["--port=65536"], "--port=65536: give a number from 0 to 65535"),
        (["--rest_api_port=-1"], "--rest_api_port=-1"),
        (["--rest_api_port=8500"], "--rest_api_port=8500 is --port too"),
        (["--rest_api_num_threads=0"], "--rest_api_num_threads=0: give at least 1"),
        (["--drain_seconds=-1"], "--drain_seconds=-1.0"),
        (["--max_request_batch=-1"], "--max_request_batch=-1: give a number from 0"),
        (["--grpc_channel_arguments=a"], "--grpc_channel_arguments=a: write it as"),
        (["--auth_token_file=/nowhere"], "/nowhere: cannot be read"),
        (["--ssl_config_file=/nowhere"], "/nowhere: cannot be read"),
        (["--monitoring_config_file=/nowhere"], "/nowhere: cannot be read"),
    ],
)
def test_unusable_flag_is_named(flags: list[str], gist: str):
    with pytest.raises(FitRankError, match=re.escape(gist)):
        options_of(*flags)


@pytest.mark.parametrize(
    ("text", "gist"),
    [
        ("prometheus_config { enabled: true }", 'no field named "enabled"'),
        ('prometheus_config { enable: true path: "x" }', "let it begin with /"),
        ("{", "monitoring.config:"),
    ],
)
def test_unusable_monitoring_file_is_named(tmp_path: Path, text: str, gist: str):
    path = tmp_path / "monitoring.config"
    path.write_text(text)
    with pytest.raises(FitRankError, match=re.escape(gist)) as raised:
        options_of("--rest_api_port=1", f"--monitoring_config_file={path}")
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "metrics_path"),
    [("", None), ('prometheus_config { enable: true path: "/m" }', "/m")],
)
def test_monitoring_file_says_where_metrics_are(tmp_path, text: str, metrics_path):
    path = tmp_path / "monitoring.config"
    path.write_text(text)
    flags = ("--rest_api_port=1", f"--monitoring_config_file={path}")
    assert options_of(*flags).metrics_path == metrics_path


def test_metrics_need_a_rest_port(tmp_path: Path):
    path = tmp_path / "monitoring.config"
    path.write_text("prometheus_config { enable: true }")
    with pytest.raises(FitRankError, match="give a --rest_api_port"):
        options_of(f"--monitoring_config_file={path}")


@pytest.mark.parametrize(
    ("address", "is_unprotected"),
    [
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("[::1]", False),
        ("localhost", False),
        ("0.0.0.0", True),
        ("[::]", True),
        ("10.0.0.1", True),
        ("example.org", True),
    ],
)
def test_only_loopback_is_protected_without_tls_and_token(
    address: str, is_unprotected: bool
):
    assert ServerOptions(bind_address=address).is_unprotected is is_unprotected


def test_the_page_needs_a_rest_port_and_no_token(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    assert options_of("--demo=b", "--rest_api_port=1").demo == "b"
    with pytest.raises(FitRankError, match="--demo is a page of the REST port"):
        options_of("--demo=b")
    with pytest.raises(FitRankError, match="--interleave needs the REST port"):
        options_of("--interleave=a,b")
    with pytest.raises(FitRankError, match="--demo: a browser sends no token"):
        options_of("--demo=b", "--rest_api_port=1", f"--auth_token_file={token}")
