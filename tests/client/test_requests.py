"""What a client sends when it filters, searches by photo, names a label or a token."""

from collections.abc import Sequence

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceServicer

from fitrank_tf.cli.main import main
from fitrank_tf.client import Hit, SearchClient, Security
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.filters import Range
from tests.client.toy_shop import OUTPUTS, Scripted
from tests.datasets.small_catalogues import noise_photo

FILTERS = ("colour", "gender")
ANSWER = {
    "ids": "5",
    "titles": "Bag",
    "scores": 0.5,
    "explanations": "colour +1.00",
    "understood": "colour Red",
}


class Recorder(Scripted):
    """Two models with filters, of a bundle whose lists are not cut.

    Keeps what it is asked and answers with one product.
    """

    def __init__(self) -> None:
        super().__init__()
        self.metadata: list = []

    def GetModelMetadata(self, request, context):  # noqa: N802  the protocol's name
        first = {"search": ["query"], "similar": ["image", "text"]}
        inputs = [*first[request.model_spec.name], *FILTERS]
        self.signatures = {
            "serving_default": (inputs[:1], OUTPUTS),
            "filtered": (inputs, OUTPUTS),
        }
        if request.model_spec.name == "search":
            explained = (*OUTPUTS, "explanations", "understood")
            self.signatures["explained"] = (inputs, explained)
        return super().GetModelMetadata(request, context)

    def Predict(self, request, context):  # noqa: N802  the protocol's name
        self.requests.append(request)
        self.metadata += context.invocation_metadata()
        batch = len(tf.make_ndarray(next(iter(request.inputs.values()))))
        response = PredictResponse()
        for name in request.output_filter:
            # What was understood is one text a query.
            row = ANSWER[name] if name == "understood" else [ANSWER[name]]
            values = [row] * batch
            response.outputs[name].CopyFrom(tf.make_tensor_proto(values))
        return response


def _texts(request, name: str) -> list[str]:
    return [value.decode() for value in tf.make_ndarray(request.inputs[name])]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def address(recorder, start_server) -> str:
    return start_server(recorder)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(noise_photo(3))
    return path


def _sent(request) -> dict[str, list]:
    """The inputs, photos as bytes."""
    return {
        name: tf.make_ndarray(values).tolist() if name == "image" else _texts(request, name)
        for name, values in request.inputs.items()
    }


def _predictions(recorder) -> list:
    return [request for request in recorder.requests if hasattr(request, "inputs")]


def test_without_filters_the_plain_signature_is_asked(recorder, address) -> None:
    with SearchClient(address) as client:
        client.search(["red shirt"])
        client.similar([noise_photo(1)])
    assert [_sent(request) for request in _predictions(recorder)] == [
        {"query": ["red shirt"]},
        {"image": [noise_photo(1)]},
    ]
    assert {request.model_spec.signature_name for request in recorder.requests} == {""}


def test_filters_go_with_every_query_and_the_others_are_empty(recorder, address) -> None:
    with SearchClient(address) as client:
        hits = client.search(["shirt", "bag"], filters={"gender": "Men|Unisex"})
    assert hits == [[Hit(1, "5", "Bag", 0.5)]] * 2
    request = recorder.requests[-1]
    assert request.model_spec.signature_name == "filtered"
    assert _sent(request) == {
        "query": ["shirt", "bag"],
        "gender": ["Men|Unisex"] * 2,
        "colour": [""] * 2,
    }


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["Men", "S|M"], r"Men|S\|M"),
        (r"S\|M", r"S\|M"),
        (Range(30, 45), "30.0..45.0"),
        ("<50", "<50"),
    ],
)
def test_lists_and_ranges_are_sent_as_text(recorder, address, given, text) -> None:
    with SearchClient(address) as client:
        client.search(["shirt"], filters={"gender": given})
        client.similar([noise_photo(1)], filters={"gender": given})
    sent = [_sent(request) for request in _predictions(recorder)]
    assert [inputs["gender"] for inputs in sent] == [[text]] * 2


@pytest.mark.parametrize(
    ("option", "text"), [(r"colour=S\|M", r"S\|M"), ("colour<50", "<50")]
)
def test_the_command_sends_quoted_bars_and_bounds(recorder, address, option, text) -> None:
    assert _run(address, ["shirt", f"--filter={option}"]) == 0
    assert _sent(recorder.requests[-1])["colour"] == [text]


def test_a_text_goes_with_the_photo(recorder, address) -> None:
    with SearchClient(address) as client:
        client.similar([noise_photo(1), noise_photo(2)], text="in red")
    request = recorder.requests[-1]
    assert (request.model_spec.name, request.model_spec.signature_name) == (
        "similar",
        "filtered",
    )
    assert _sent(request) == {
        "image": [noise_photo(1), noise_photo(2)],
        "text": ["in red"] * 2,
        "gender": [""] * 2,
        "colour": [""] * 2,
    }


def test_the_bad_photo_of_several_is_named_and_nothing_is_sent(recorder, address) -> None:
    with (
        SearchClient(address) as client,
        pytest.raises(FitRankError, match="photo 2 of 3: unreadable image"),
    ):
        client.similar([noise_photo(1), b"junk", noise_photo(2)])
    assert not recorder.requests


def test_what_can_be_filtered_by_is_asked_once(recorder, address) -> None:
    with SearchClient(address) as client:
        for _ in range(3):
            client.search(["shirt"], filters={"gender": "Men"})
        assert client.filter_names() == set(FILTERS)
    kinds = [type(request).__name__ for request in recorder.requests]
    assert kinds == ["GetModelMetadataRequest"] + ["PredictRequest"] * 3


def test_an_unknown_filter_is_named_with_those_there_are(recorder, address) -> None:
    with (
        SearchClient(address) as client,
        pytest.raises(FitRankError, match=r"filter 'size'.*colour, gender"),
    ):
        client.search(["shirt"], filters={"size": "M"})


@pytest.mark.parametrize("filters", [{}, {"gender": "Men"}])
def test_a_label_goes_with_every_call(recorder, address, filters) -> None:
    with SearchClient(address, label="canary") as client:
        client.search(["shirt"], filters=filters)
    specs = [request.model_spec for request in recorder.requests]
    assert {spec.version_label for spec in specs} == {"canary"}


def test_the_token_goes_with_every_call(recorder, address, tmp_path) -> None:
    (tmp_path / "token").write_text("secret\n")
    security = Security(token_file=str(tmp_path / "token"))
    with SearchClient(address, security=security) as client:
        client.search(["shirt"])
    assert ("authorization", "Bearer secret") in [tuple(pair) for pair in recorder.metadata]


@pytest.mark.parametrize(
    ("security", "gist"),
    [
        (Security(token_file="/nowhere/token"), "token /nowhere/token: cannot be read"),
        (Security(ca_file="/nowhere/ca"), "certificates /nowhere/ca: cannot be read"),
    ],
)
def test_a_file_that_is_not_there_is_named(security, gist: str) -> None:
    with pytest.raises(FitRankError, match=gist):
        SearchClient("localhost:8500", security=security)


def test_an_unknown_token_is_told(start_server) -> None:
    class Closed(PredictionServiceServicer):
        def GetModelMetadata(self, request, context):  # noqa: N802  the protocol's name
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you")

    with (
        SearchClient(start_server(Closed())) as client,
        pytest.raises(FitRankError, match=r"does not know the token.*--auth_token_file"),
    ):
        client.search(["shirt"])


def _run(address: str, arguments: Sequence[str]) -> int:
    try:
        main(["client", "--address", address, *arguments])
    except SystemExit as ended:
        return ended.code
    return 0


def test_command_filters_and_explains(recorder, address, capsys) -> None:
    assert _run(address, ["shirt", "--filter", "gender=Men", "--explain"]) == 0
    printed = capsys.readouterr()
    header, row = printed.out.splitlines()
    assert printed.err == "understood: colour Red\n"
    assert header.split() == ["rank", "id", "score", "title", "explanation"]
    assert len(_predictions(recorder)) == 1
    assert row.split() == ["1", "5", "0.5000", "Bag", "colour", "+1.00"]
    assert _sent(recorder.requests[-1])["gender"] == ["Men"]
    assert recorder.requests[-1].model_spec.signature_name == "explained"


def test_command_searches_by_photo(recorder, address, photo, capsys) -> None:
    assert _run(address, ["--image", str(photo), "in red"]) == 0
    assert "Bag" in capsys.readouterr().out
    sent = _sent(recorder.requests[-1])
    assert (sent["image"], sent["text"]) == ([noise_photo(3)], ["in red"])


@pytest.mark.parametrize(
    ("arguments", "gist"),
    [
        ([], "nothing to look for"),
        (["shirt", "--filter", "size=M"], "choose from colour, gender"),
        (["shirt", "--filter", "gender"], "attribute=value"),
        (["--image", "/nowhere.jpg"], "photo /nowhere.jpg: no image file"),
    ],
)
def test_command_names_what_it_cannot_use(address, capsys, arguments, gist) -> None:
    assert _run(address, arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and gist in line
