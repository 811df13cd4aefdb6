"""A server's metrics, in Prometheus' text format.

Names, labels and buckets are TF-Serving's (`servables/tensorflow/util.cc`,
`util/prometheus_exporter.cc`), so dashboards made for it show this server too.
Metrics that TF-Serving lacks begin with `:fitrank:`.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fitrank_tf.core.packages import imports_of
from serving.models.version_status import ModelEvent, VersionState
from serving.status import REQUEST_ERRORS, code_name, status_of

with imports_of("serving"):
    import prometheus_client
    from prometheus_client import CollectorRegistry, Gauge, Histogram
    from prometheus_client.core import Metric
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# TF-Serving's buckets, in microseconds: 10 times the powers of 1.8, to about 20 minutes.
_LATENCY_BUCKETS = [10 * 1.8**power for power in range(32)]
_EXAMPLE_BUCKETS = [2**power for power in range(14)]
_MICROSECONDS = 1e6

# Clients may send any model name; unknown ones share this label to bound the series.
_UNKNOWN_MODEL = ""

# TF-Serving's name for the runtime of a session.
_RUNTIME = "TF1"

# Otherwise each metric gets a second series with its creation time.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """Counts and times the requests and loads of one server.

    Attributes:
        registry: the collectors, to which other parts of the server may add theirs.
    """

    def __init__(self) -> None:
        # Names of known models; a request for any other is counted under "".
        self._models: set[str] = set()
        self.registry = CollectorRegistry()
        self._request_count = _Counter(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            ["model_name", "status"],
            self.registry,
        )
        self._request_latency = Histogram(
            ":tensorflow:serving:request_latency",
            "Distribution of wall time (in microseconds) for a request.",
            ["model_name", "API", "entrypoint"],
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._runtime_latency = Histogram(
            ":tensorflow:serving:runtime_latency",
            "Distribution of wall time (in microseconds) for TensorFlow's runtime.",
            ["model_name", "API", "runtime"],
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._example_counts = Histogram(
            ":tensorflow:serving:request_example_counts",
            "The number of tensorflow.Examples of a request.",
            ["model"],
            buckets=_EXAMPLE_BUCKETS,
            registry=self.registry,
        )
        self._load_count = _Counter(
            ":fitrank:serving:model_load_count",
            "Finished loads of a model's versions, by status code.",
            ["model_name", "status"],
            self.registry,
        )
        self._load_latency = Histogram(
            ":fitrank:serving:model_load_latency",
            "Wall time (in microseconds) of a load, warm-up included.",
            ["model_name"],
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._version_available = Gauge(
            ":fitrank:serving:model_version_available",
            "1 for each version that serves requests.",
            ["model_name", "version"],
            registry=self.registry,
        )

    def model_event(self, event: ModelEvent) -> None:
        """Counts loads and available versions; a listener for `ModelManager`."""
        status = event.status
        self._models.add(event.name)
        available = status.state is VersionState.AVAILABLE
        self._version_available.labels(event.name, status.version).set(available)
        if status.state is VersionState.END:
            # Otherwise the page would list every version that was ever loaded.
            self._version_available.remove(event.name, status.version)
        if available or status.error_code:
            self._load_count.labels(event.name, code_name(status.error_code)).inc()
            self._load_latency.labels(event.name).observe(event.seconds * _MICROSECONDS)

    @contextmanager
    def request(self, model: str, api: str, entrypoint: str) -> Iterator[None]:
        """Counts the request that the block handles, and times it if it succeeds.

        Args:
            model: the model name in the request.
            api: the method, such as "Predict".
            entrypoint: "GRPC" or "REST".
        """
        start = time.perf_counter()
        try:
            yield
        except REQUEST_ERRORS as error:
            self._count_failure(model, status_of(error)[0].name)
            raise
        except asyncio.CancelledError:
            self._count_failure(model, "CANCELLED")
            raise
        except Exception:
            self._count_failure(model, "UNKNOWN")
            raise
        self._models.add(model)
        self._request_latency.labels(model, api, entrypoint).observe(_since(start))
        self._request_count.labels(model, "OK").inc()

    def _count_failure(self, model: str, status: str) -> None:
        name = model if model in self._models else _UNKNOWN_MODEL
        self._request_count.labels(name, status).inc()

    @contextmanager
    def runtime(self, model: str, api: str) -> Iterator[None]:
        """Times the block, in which TensorFlow runs, if it succeeds.

        Args:
            model: the model's name.
            api: the method, such as "Predict".
        """
        start = time.perf_counter()
        yield
        self._runtime_latency.labels(model, api, _RUNTIME).observe(_since(start))

    def examples(self, model: str, count: int) -> None:
        """Counts the examples of one `Classify`, `Regress` or `MultiInference` request."""
        self._example_counts.labels(model).observe(count)

    def page(self) -> bytes:
        """All metrics, in Prometheus' text format."""
        return prometheus_client.generate_latest(self.registry)


class _Counter:
    """A counter under TF-Serving's names, which lack prometheus_client's `_total`."""

    def __init__(
        self, name: str, text: str, labels: list[str], registry: CollectorRegistry
    ) -> None:
        self._gauge = Gauge(name, text, labels, registry=None)
        registry.register(self)

    def labels(self, *values: str) -> Gauge:
        """The counter for these label values."""
        return self._gauge.labels(*values)

    def collect(self) -> Iterator[Metric]:
        """The samples for the registry, of type "untyped" because the count only rises."""
        for metric in self._gauge.collect():
            metric.type = "unknown"
            yield metric


def _since(start: float) -> float:
    return (time.perf_counter() - start) * _MICROSECONDS
