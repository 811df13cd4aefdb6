"""`--monitoring_config_file`: whether metrics are served to Prometheus, and where."""

from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from serving.process.text_proto import message_classes, read_text_proto

# TF-Serving's default where the file enables Prometheus and names no path.
DEFAULT_PATH = "/monitoring/prometheus/metrics"

# config/monitoring_config.proto of tensorflow/serving.
_MONITORING_CONFIG = message_classes(
    "tensorflow_serving/config/monitoring_config.proto",
    {
        "PrometheusConfig": {"enable": bool, "path": str},
        "MonitoringConfig": {"prometheus_config": "PrometheusConfig"},
    },
)["MonitoringConfig"]


def read_metrics_path(path: Path) -> str | None:
    """The path on the REST port under which metrics are served; None if disabled.

    Raises:
        FitRankError: the file is not a `MonitoringConfig`, or its path lacks the leading /.
    """
    config = read_text_proto(path, _MONITORING_CONFIG(), "--monitoring_config_file")
    prometheus = config.prometheus_config
    if not prometheus.enable:
        return None
    served = prometheus.path or DEFAULT_PATH
    if not served.startswith("/"):
        raise FitRankError(f"{path}: path '{served}': let it begin with /")
    return served
