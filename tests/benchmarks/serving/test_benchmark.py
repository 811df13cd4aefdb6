"""The serving benchmark on toy models; no speed is asserted."""

import http.server
import json
import threading

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import command as benchmark
from benchmarks.server_process import serving_process
from benchmarks.serving import benchmark as serving_benchmark
from benchmarks.serving.benchmark import (
    ALTERNATIVE,
    IN_PROCESS,
    PLAIN,
    SYSTEMS,
    ServingSpeed,
    ServingWorkload,
    available_systems,
    compare_serving,
    serving_table,
    speed_of,
)
from benchmarks.serving.search_load import CLIENTS, closed_loop, http_clients
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import missing_packages


class ToySearch(tf.Module):
    """Returns the query itself as the product."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="query")])
    def search(self, query: tf.Tensor) -> dict[str, tf.Tensor]:
        column = query[:, tf.newaxis]
        scores = tf.ones_like(column, tf.float32)
        return {"ids": column, "titles": column, "scores": scores}


@pytest.fixture(scope="module")
def toy_bundle(tmp_path_factory):
    root, toy = tmp_path_factory.mktemp("toy"), ToySearch()
    tf.saved_model.save(toy, str(root / "search" / "3"), signatures=toy.search)
    return root


@pytest.mark.slow
def test_our_systems_serve_all_numbers_of_clients(toy_bundle) -> None:
    ours = [system for system in SYSTEMS if system != ALTERNATIVE]
    workload = ServingWorkload(seconds=0.1, rounds=1)
    found = compare_serving(toy_bundle, ["a", "b", "c"], workload, ours)
    assert found.agreement is None
    assert [(one.clients, one.system) for one in found.speeds] == (
        [(clients, system) for clients in CLIENTS for system in ours]
    )
    for speed in found.speeds:
        assert speed.per_second > 0 and 0 < speed.median <= speed.p99


def test_each_client_waits_for_the_response_before_the_next_request() -> None:
    sent, together, most = [[] for _ in range(4)], threading.Semaphore(4), []

    def client(number: int):
        def search(query: str) -> None:
            assert together.acquire(blocking=False)
            most.append(4 - together._value)
            sent[number].append(query)
            threading.Event().wait(0.001)
            together.release()

        return search

    queries = [f"q{number}" for number in range(8)]
    times = closed_loop([client(number) for number in range(4)], queries, seconds=0.2)
    # The first request of each client is not counted; no client sends two at once.
    assert len(times) == sum(len(one) - 1 for one in sent)
    assert max(most) > 1
    assert (times[:, 1] > times[:, 0]).all()
    for number, one in enumerate(sent):
        start = 2 * number
        assert one == [queries[(start + step) % 8] for step in range(len(one))]


def test_one_failing_client_ends_all() -> None:
    def fail(query: str) -> None:
        raise ConnectionError("two\nlines")

    with pytest.raises(FitRankError, match=r"a search failed: ConnectionError\('two"):
        closed_loop([fail, lambda query: None], ["q"], seconds=60.0)


def test_speed_of_one_turn() -> None:
    # Two clients, 100 requests of 10 ms each one after the other, and one of 200 ms.
    starts = np.arange(100) * 0.01
    one = np.stack([starts, starts + 0.01], axis=1)
    other = np.array([[0.0, 0.2], [0.2, 1.0]])
    speed = speed_of(PLAIN, 2, np.concatenate([one, other]))
    assert speed.per_second == pytest.approx(102)
    assert speed.median == pytest.approx(10)
    assert 100 < speed.p99 <= 800


def test_medians_of_turns() -> None:
    turns = [ServingSpeed(PLAIN, 8, rate, 2 * rate, 3 * rate) for rate in (5, 1, 3)]
    assert serving_benchmark._median(turns) == ServingSpeed(PLAIN, 8, 3, 6, 9)


def test_ratios_are_of_the_alternative_with_as_many_clients() -> None:
    speeds = [
        ServingSpeed(PLAIN, 1, 300, 1.25, 9.0),
        ServingSpeed(ALTERNATIVE, 1, 200, 1.0, 2.0),
        ServingSpeed(PLAIN, 32, 5000, 6.4, 20.0),
        ServingSpeed(ALTERNATIVE, 32, 2000, 16.0, 30.0),
    ]
    lines = serving_table(speeds).splitlines()
    assert lines[2] == f"| 1 | {PLAIN} | 300 | 1.50 x | 1.2 | 9.0 |"
    assert lines[4] == f"| 32 | {PLAIN} | 5,000 | 2.50 x | 6.4 | 20.0 |"
    assert lines[5] == f"| 32 | {ALTERNATIVE} | 2,000 |  | 16.0 | 30.0 |"
    assert "| 1.50 x |" not in serving_table(speeds[:1])


class Handler(http.server.BaseHTTPRequestHandler):
    """Returns the query that it got; fails on "no"."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = 500 if json.loads(body)["query"] == "no" else 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.connections.add(self.client_address)

    def log_message(self, *words) -> None:
        pass


@pytest.fixture
def http_server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.connections = set()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_http_clients_keep_their_connection(http_server) -> None:
    connect = http_clients(f"127.0.0.1:{http_server.server_port}")
    clients = [connect(), connect()]
    for client in clients * 3:
        assert client("été")["query"] == "été"
    assert len(http_server.connections) == 2
    with pytest.raises(FitRankError, match="answers 500"):
        clients[0]("no")


def test_the_alternative_must_return_the_same_products(monkeypatch) -> None:
    class Bundle:
        def __init__(self, path):
            pass

        def answer_queries(self, queries):
            rows = [[b"p%d" % number for number in range(20)]] * len(queries)
            return {"ids": np.array(rows, object)}

    monkeypatch.setattr(serving_benchmark, "LoadedBundle", Bundle)

    def agreement_with(ids):
        monkeypatch.setattr(
            serving_benchmark, "http_clients", lambda at: lambda: lambda query: {"ids": ids}
        )
        return serving_benchmark._agreement("bundle", "address", ["a", "b"])

    # The order, and products after the first ten, do not matter.
    assert agreement_with([f"p{number}" for number in range(9, -1, -1)] + ["x"]) == 1.0
    with pytest.raises(FitRankError, match=r"shares 90.0% of the first 10"):
        agreement_with(["x", *(f"p{number}" for number in range(1, 10))])


@pytest.mark.parametrize(
    ("code", "deadline", "message"),
    [
        ("print('no port'); raise SystemExit(3)", 60, r"ended with status 3 \(no port\)"),
        ("import time; print('hm', flush=True); time.sleep(60)", 1, "not ready in 1 s"),
    ],
)
def test_a_server_that_does_not_start(tmp_path, monkeypatch, code, deadline, message):
    (tmp_path / "bad_server.py").write_text(code)
    start = serving_process(
        *("theirs", ["bad_server"], tmp_path / "log", lambda: False, deadline),
        {"PYTHONPATH": str(tmp_path)},
    )
    with pytest.raises(FitRankError, match=f"theirs: its server .*{message}"), start:
        pass


def test_systems_with_missing_packages_are_left_out(monkeypatch, capsys) -> None:
    monkeypatch.setattr(serving_benchmark, "_PACKAGES", ("numpy", "no_such_package"))
    assert ALTERNATIVE not in available_systems()
    line = missing_packages(ALTERNATIVE, ("no_such_package",))
    assert capsys.readouterr().out == f"{line}\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seconds=0"], "--seconds is 0"),
        (["--seconds=nan"], "--seconds is nan"),
        (["--rounds=0"], "--rounds is 0"),
        (["--queries=0"], "--queries 0"),
        (["--bundle=nowhere"], "no bundle in nowhere"),
        (["--queries_file=nowhere"], "--queries_file nowhere cannot be read"),
        (["--batching_parameters_file=none"], "--batching_parameters_file none"),
    ],
)
def test_bad_options_are_reported_before_anything_starts(options, message) -> None:
    with pytest.raises(FitRankError, match=message):
        benchmark.main(["--suite=serving", *options])


def test_the_command_sends_the_queries_of_a_file(monkeypatch, tmp_path, capsys) -> None:
    sent = []

    def compare(bundle, queries, workload, systems):
        sent.append((queries, workload.batching))
        speed = ServingSpeed(IN_PROCESS, 1, 10, 1.0, 2.0)
        return serving_benchmark.Comparison([speed], 0.9975)

    monkeypatch.setattr(benchmark, "compare_serving", compare)
    (tmp_path / "queries").write_text("red shirt\n\n  blue kurta \nbag\n")
    (tmp_path / "batching").write_text("max_batch_size { value: 2 }")
    benchmark.main(
        [
            *("--suite=serving", "--queries=2", f"--queries_file={tmp_path / 'queries'}"),
            f"--batching_parameters_file={tmp_path / 'batching'}",
        ]
    )
    assert sent == [(["red shirt", "blue kurta"], "max_batch_size { value: 2 }")]
    printed = capsys.readouterr().out
    assert "share 99.8% of the first ten" in printed and "| 1 | in one process |" in printed
    (tmp_path / "queries").write_text("\n \n")
    with pytest.raises(FitRankError, match="holds no query"):
        benchmark.main(["--suite=serving", f"--queries_file={tmp_path / 'queries'}"])
