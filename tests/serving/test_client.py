"""SearchClient and its command, against a real server and against failing ones."""

import json
import threading
from collections.abc import Callable

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceServicer

from fitrank_tf.client.hits import Hit, format_table
from fitrank_tf.client.search_client import SearchClient
from fitrank_tf.core.errors import FitRankError
from serving.client import main
from tests.serving.toy_models import IDS, QUERIES, SCORES, TITLES


class Scripted(PredictionServiceServicer):
    """Answers each call by the next step of a script; the last step repeats."""

    def __init__(self, *steps: Callable[[grpc.ServicerContext], PredictResponse]) -> None:
        self.steps = list(steps)
        self.calls = 0

    def Predict(  # noqa: N802  the protocol's name
        self, request: PredictRequest, context: grpc.ServicerContext
    ) -> PredictResponse:
        step = self.steps[min(self.calls, len(self.steps) - 1)]
        self.calls += 1
        return step(context)


def fails(code: grpc.StatusCode) -> Callable[[grpc.ServicerContext], PredictResponse]:
    return lambda context: context.abort(code, "scripted\nfailure")


def answers(ids: list, titles: list, scores: list) -> Callable[..., PredictResponse]:
    response = PredictResponse()
    for name, value in (("ids", ids), ("titles", titles), ("scores", scores)):
        response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
    return lambda context: response


ONE_HIT = answers([["5"]], [["Bag"]], [[0.5]])


def expected_hits(row: int, top_k: int) -> list[Hit]:
    found = [column for column in range(3) if IDS[row][column]][:top_k]
    return [Hit(c + 1, IDS[row][c], TITLES[row][c], SCORES[row][c]) for c in found]


@pytest.mark.parametrize("top_k", [1, 2, 3, 10])
def test_hits_are_the_rows_of_the_table_without_padding(address: str, top_k: int):
    with SearchClient(address) as client:
        answers = client.search([*QUERIES, "unknown"], top_k=top_k)
    assert answers == [expected_hits(1, top_k), expected_hits(2, top_k), []]


def test_no_queries_give_no_answers(address: str):
    with SearchClient(address) as client:
        assert client.search([]) == []


def test_unavailable_is_tried_again(start_server):
    unavailable = fails(grpc.StatusCode.UNAVAILABLE)
    servicer = Scripted(unavailable, unavailable, ONE_HIT)
    with SearchClient(start_server(servicer), timeout=60) as client:
        assert client.search(["bag"]) == [[Hit(1, "5", "Bag", 0.5)]]
    assert servicer.calls == 3


def test_unavailable_for_good_is_given_up(start_server):
    servicer = Scripted(fails(grpc.StatusCode.UNAVAILABLE))
    address = start_server(servicer)
    with (
        SearchClient(address, timeout=60) as client,
        pytest.raises(FitRankError, match=f"no server answers at {address}.*make serve"),
    ):
        client.search(["bag"])
    assert servicer.calls > 1


@pytest.mark.parametrize(
    ("code", "gist"),
    [
        (grpc.StatusCode.NOT_FOUND, "serves no model 'search'"),
        (grpc.StatusCode.INVALID_ARGUMENT, r"INVALID_ARGUMENT: scripted failure"),
        (grpc.StatusCode.INTERNAL, "INTERNAL: scripted failure"),
    ],
)
def test_other_failures_are_told_at_once_in_one_line(start_server, code, gist: str):
    servicer = Scripted(fails(code), ONE_HIT)
    address = start_server(servicer)
    with (
        SearchClient(address) as client,
        pytest.raises(FitRankError, match=gist) as raised,
    ):
        client.search(["bag"])
    assert servicer.calls == 1
    assert address in str(raised.value)
    assert "\n" not in str(raised.value)


def test_deadline_holds_while_the_server_works(start_server):
    release = threading.Event()

    def stall(context: grpc.ServicerContext) -> PredictResponse:
        release.wait(60)
        return ONE_HIT(context)

    address = start_server(Scripted(stall))
    try:
        with (
            SearchClient(address, timeout=0.3) as client,
            pytest.raises(FitRankError, match=f"{address} did not answer within 0.3 s"),
        ):
            client.search(["bag"])
    finally:
        release.set()


def test_answer_larger_than_grpc_s_default_limit(start_server):
    # 6 MB of title; gRPC's default limit on receiving is 4 MiB.
    title = "x" * 6_000_000
    address = start_server(Scripted(answers([["5"]], [[title]], [[0.5]])))
    with SearchClient(address, timeout=60) as client:
        [[hit]] = client.search(["bag"])
    assert hit.title == title


@pytest.mark.parametrize(
    "answer",
    [
        answers([["1"], ["2"]], [["a"], ["b"]], [[0.5], [0.5]]),
        answers([["1"]], [["a"]], [[0.5, 0.5]]),
        answers(["1"], ["a"], [0.5]),
    ],
    ids=["batch", "width", "rank"],
)
def test_answer_of_another_shape_is_refused(start_server, answer):
    with (
        SearchClient(start_server(Scripted(answer))) as client,
        pytest.raises(FitRankError, match="of the shapes"),
    ):
        client.search(["bag"])


def test_model_that_is_no_search_model_is_named(address: str):
    with (
        SearchClient(address, model="affine") as client,
        pytest.raises(FitRankError, match=r"model 'affine'.*INVALID_ARGUMENT"),
    ):
        client.search(["bag"])


@pytest.mark.parametrize(
    "bad_address",
    [
        "",
        "localhost",
        ":8500",
        "localhost:",
        "localhost:0",
        "localhost:99999",
        "local host:1",
    ]
    + ["http://localhost:8500", "localhost:٣"],
)
def test_bad_address_is_named(bad_address: str):
    with pytest.raises(FitRankError, match="write it as host:port"):
        SearchClient(bad_address)


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_timeout_is_named(timeout: float):
    with pytest.raises(FitRankError, match="timeout"):
        SearchClient("localhost:8500", timeout=timeout)


@pytest.mark.parametrize(("queries", "top_k"), [("bag", 10), (["bag"], 0)])
def test_bad_search_is_named(address: str, queries, top_k: int):
    with SearchClient(address) as client, pytest.raises(FitRankError):
        client.search(queries, top_k=top_k)


def test_closed_client_cannot_search(address: str):
    with SearchClient(address) as client:
        pass
    with pytest.raises(ValueError, match="closed channel"):
        client.search(["bag"])


def test_table_is_aligned():
    hits = [Hit(1, "7", "Bag", 12.5), Hit(10, "12345", "Red Shirt", 0.25)]
    assert format_table(hits).splitlines() == [
        "rank  id       score  title",
        "   1  7      12.5000  Bag",
        "  10  12345   0.2500  Red Shirt",
    ]


def test_command_prints_a_table(address: str, capsys):
    assert main(["--address", address, "--top_k", "2", "red shirt"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["rank", "id", "score", "title"]
    assert [row.split(maxsplit=3) for row in rows] == [
        ["1", "11", "0.8750", "Red Shirt"],
        ["2", "12", "0.5000", "Plain Shirt"],
    ]


def test_command_prints_json_lines(address: str, capsys):
    assert main(["--address", address, "--json", QUERIES[1]]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "rank": 1,
        "id": "21",
        "title": "Robe d'été 👗",
        "score": 0.75,
    }


def test_command_says_that_nothing_was_found(address: str, capsys):
    assert main(["--address", address, "unknown"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "no product found for 'unknown'\n"


@pytest.mark.parametrize(
    ("flags", "gist"),
    [
        # Port 1 is reserved: nothing listens there.
        (["--address", "127.0.0.1:1"], "no server answers at 127.0.0.1:1"),
        (["--address", "nowhere"], "address 'nowhere'"),
        (["--model", "other"], "serves no model 'other'"),
        (["--timeout", "0"], "timeout 0"),
    ],
)
def test_command_fails_in_one_line_with_status_2(address: str, capsys, flags, gist: str):
    assert main(["--address", address, *flags, "bag"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    [line] = captured.err.splitlines()
    assert line.startswith("error: ")
    assert gist in line
