"""SearchClient and its command, against the local server and against failing ones."""

import json
import threading

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis.predict_pb2 import PredictResponse

from fitrank_tf.cli.main import main
from fitrank_tf.client import Answer, Hit, SearchClient
from fitrank_tf.core.errors import FitRankError
from tests.client.toy_shop import (
    ONE_HIT,
    OUTPUTS,
    PLAIN,
    SHOP_IDS,
    SHOP_TITLES,
    Scripted,
    answers,
    fails,
)
from tests.serving.toy_models import IDS, QUERIES, SCORES, TITLES


def expected_hits(row: int, top_k: int) -> list[Hit]:
    found = [column for column in range(3) if IDS[row][column]][:top_k]
    return [
        # The toy's first-stage ranks are its version's number and more.
        Hit(c + 1, IDS[row][c], TITLES[row][c], SCORES[row][c], first_stage_rank=c + 1)
        for c in found
    ]


@pytest.mark.parametrize("top_k", [1, 2, 3, 10])
def test_hits_are_the_rows_of_the_table_without_padding(address: str, top_k: int):
    with SearchClient(address) as client:
        found = client.search([*QUERIES, "unknown"], top_k=top_k)
    assert found == [expected_hits(1, top_k), expected_hits(2, top_k), []]


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
    address = start_server(Scripted(answers(ids=[["5"]], titles=[[title]], scores=[[0.5]])))
    with SearchClient(address, timeout=60) as client:
        [[hit]] = client.search(["bag"])
    assert hit.title == title


@pytest.mark.parametrize(
    "answer",
    [
        answers(ids=[["1"], ["2"]], titles=[["a"], ["b"]], scores=[[0.5], [0.5]]),
        answers(ids=[["1"]], titles=[["a"]], scores=[[0.5, 0.5]]),
        answers(ids=["1"], titles=["a"], scores=[0.5]),
        answers(ids=[["1"]], titles=[["a"]], scores=[[0.5]], understood=[["b"]]),
    ],
    ids=["batch", "width", "rank", "understood"],
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


def _run(*arguments: str) -> int:
    """The command's status."""
    try:
        main(["client", *arguments])
    except SystemExit as ended:
        return ended.code
    return 0


def test_command_prints_a_table(address: str, capsys):
    assert _run("--address", address, "--top_k", "2", "red shirt") == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["rank", "id", "score", "title"]
    assert [row.split(maxsplit=3) for row in rows] == [
        ["1", "11", "0.8750", "Red Shirt"],
        ["2", "12", "0.5000", "Plain Shirt"],
    ]


def test_command_prints_all_that_the_model_gives_as_json(address: str, capsys):
    assert _run("--address", address, "--json", QUERIES[1]) == 0
    [line] = capsys.readouterr().out.splitlines()
    plain = {"rank": 1, "id": "21", "title": "Robe d'été 👗", "score": 0.75}
    assert json.loads(line) == {"hits": [plain | {"first_stage_rank": 1}]}
    shop = ("--address", address, "--model", "shop", "--filter", "gender=Women")
    assert _run(*shop, "--json", "--top_k=1", "shirt") == 0
    [line] = capsys.readouterr().out.splitlines()
    best = {"rank": 1, "id": "12", "title": "Plain Shirt", "score": 0.5}
    assert json.loads(line) == {
        "understood": "shirt of Women",
        "hits": [best | {"explanation": "text +1.00", "first_stage_rank": 2}],
    }


def test_command_says_what_was_understood(address: str, capsys):
    assert _run("--address", address, "--model", "shop", "--explain", "shirt") == 0
    printed = capsys.readouterr()
    assert printed.err == "understood: shirt of \n"
    assert printed.out.splitlines()[1].endswith("Red Shirt    text +1.00")


def test_command_says_that_nothing_was_found(address: str, capsys):
    assert _run("--address", address, "unknown") == 0
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
    assert _run("--address", address, *flags, "bag") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    [line] = captured.err.splitlines()
    assert line.startswith("error: ")
    assert gist in line


@pytest.mark.parametrize("top_k", [1, 3, 100])
@pytest.mark.parametrize("explain", [False, True])
def test_a_model_that_cuts_sends_no_more_than_is_wanted(address, top_k, explain):
    with SearchClient(address, model="shop") as client:
        [answer] = client.search(["shirt"], top_k=top_k, explain=explain)
        sent = client.predict(
            "shop",
            {"query": ["shirt"], "top_k": [top_k], "gender": [""]},
            signature="filtered",
            outputs=["ids"],
        )
    assert isinstance(answer, Answer)
    assert answer.understood == ("shirt of " if explain else None)
    assert [hit.id.encode() for hit in answer] == SHOP_IDS[:top_k]
    assert [hit.explanation for hit in answer] == ["text +1.00" * explain] * len(answer)
    assert [hit.first_stage_rank for hit in answer] == list(range(1, len(answer) + 1))
    assert sent["ids"].shape == (1, min(top_k, len(SHOP_IDS)))


def test_any_model_is_run_on_arrays(address: str):
    rows = np.array([[1, 2, 3], [0, 0, 1]], np.float64)
    with SearchClient(address) as client:
        both = client.predict("affine", {"x": rows, "shift": [[4], [0]]})
        [total] = client.predict("affine", {"x": rows}, "total").values()
        one = client.predict("shop", {"query": ["x"]}, outputs=["titles"])
    np.testing.assert_array_equal(both["y"], [[305.0, 324.0], [100.0, 100.0]])
    assert both["y"].dtype == np.float32 and both["shape"].tolist() == [[2, 3]] * 2
    np.testing.assert_array_equal(total, [6.0, 1.0])
    assert {name: value.tolist() for name, value in one.items()} == {
        "titles": [SHOP_TITLES]
    }


@pytest.mark.parametrize(
    ("arguments", "gist"),
    [
        (({}, "other"), "no signature 'other'; choose from serving_default, total"),
        (({"z": [1]},), "input 'z'.*takes shift, x"),
        (({"x": [["a"]]},), "input 'x'.*give an array of float32"),
        (({"shift": [[0.5]]},), "input 'shift': float64 is given: give an array of int32"),
        (({"x": [[1, 2], [3]]},), "input 'x'.*give an array of float32"),
    ],
)
def test_what_no_model_takes_is_named(address: str, arguments, gist: str):
    with (
        SearchClient(address) as client,
        pytest.raises(FitRankError, match=gist),
    ):
        client.predict("affine", *arguments)


def test_versions_have_states(address: str):
    with SearchClient(address) as client:
        assert client.versions("affine") == {1: "AVAILABLE"}
        with pytest.raises(FitRankError, match="serves no model 'other'"):
            client.versions("other")


@pytest.mark.parametrize("explain", [False, True])
def test_a_new_version_with_other_inputs_is_searched(start_server, explain):
    """The server swaps a bundle without `top_k` for one with it."""
    refuses = fails(grpc.StatusCode.INVALID_ARGUMENT)
    servicer = Scripted(ONE_HIT, refuses, ONE_HIT)
    with SearchClient(start_server(servicer)) as client:
        client.search(["bag"], explain=explain)
        inputs = ["query", "top_k"]
        servicer.signatures = {**PLAIN, "filtered": (inputs, OUTPUTS)}
        assert client.search(["bag"], explain=explain) == [[Hit(1, "5", "Bag", 0.5)]]
    assert [sorted(getattr(asked, "inputs", ())) for asked in servicer.requests] == [
        *([], ["query"], ["query"], [], inputs)
    ]
