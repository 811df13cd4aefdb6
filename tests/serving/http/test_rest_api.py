"""TF-Serving's REST API over real HTTP: paths, formats and values.

Paths and formats are those of `http_rest_api_handler_test.cc`, `json_tensor.cc` and
`api_rest.md` of tensorflow/serving; values are those of the toy models.
"""

import base64

import pytest

from tests.serving.toy_models import IDS, QUERIES, SCORES, TITLES

ROWS = [
    {"ids": ids, "titles": titles, "scores": scores, "first_stage_ranks": [2, 3, 4]}
    for ids, titles, scores in zip(IDS, TITLES, SCORES)
]


@pytest.mark.parametrize(
    "instances",
    [
        QUERIES,
        [{"query": query} for query in QUERIES],
        [{"b64": base64.b64encode(query.encode()).decode()} for query in QUERIES],
        [{"query": {"b64": base64.b64encode(q.encode()).decode()}} for q in QUERIES],
    ],
    ids=["plain", "named", "base64", "named-base64"],
)
def test_row_format_request_gets_a_row_format_response(post, instances: list):
    reply = post("search:predict", {"instances": instances})
    assert reply.code == 200
    assert reply.json == {"predictions": ROWS[1:]}


@pytest.mark.parametrize("inputs", [QUERIES, {"query": QUERIES}], ids=["plain", "named"])
def test_columnar_request_gets_a_columnar_response(post, inputs):
    reply = post("search:predict", {"inputs": inputs})
    assert reply.json == {
        "outputs": {name: [row[name] for row in ROWS[1:]] for name in ROWS[0]}
    }


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            {
                "instances": [
                    {"x": [1, 2.0, 3], "shift": [4]},
                    {"x": [0, 0, 0], "shift": [0]},
                ]
            },
            {
                "predictions": [
                    {"y": [305.0, 324.0], "shape": [2, 3]},
                    {"y": [0.0, 0.0], "shape": [2, 3]},
                ]
            },
        ),
        (
            {"inputs": {"x": [[1, 2, 3]], "shift": [[4]]}},
            {"outputs": {"y": [[305.0, 324.0]], "shape": [[1, 3]]}},
        ),
        (
            {"signature_name": "total", "instances": [[1, 2, 3], [4, 5, 6]]},
            {"predictions": [6.0, 15.0]},
        ),
        ({"signature_name": "total", "inputs": [[1, 2, 3]]}, {"outputs": [6.0]}),
    ],
    ids=["two-inputs-rows", "two-inputs-columns", "one-output-rows", "one-output-columns"],
)
def test_numbers_are_those_of_a_hand_calculation(post, body: dict, answer: dict):
    assert post("affine:predict", body).json == answer


def test_each_dtype_has_its_json(post):
    texts = ["", "été 👗", "ab"]
    [empty, accents, plain] = post("mixed:predict", {"instances": texts}).json[
        "predictions"
    ]
    assert empty == {
        "text": "",
        "raw_bytes": {"b64": ""},
        "length": 0,
        "tenth": 0.0,
        "empty": True,
    }
    assert accents["text"] == "été 👗"
    assert base64.b64decode(accents["raw_bytes"]["b64"]).decode() == "été 👗"
    # A float32 of 0.2 is not written as 0.20000000298023224.
    assert plain["tenth"] == 0.2


def test_nan_and_infinity_are_written_as_in_tf_serving(post):
    body = b'{"signature_name": "total", "instances": [[NaN, 1, 2], [Infinity, 1, 2]]}'
    assert post("affine:predict", body).body == b'{"predictions": [NaN, Infinity]}'


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("search", 2),
        ("search/versions/1", 1),
        ("search/versions/01", 1),
        ("search/labels/stable", 1),
        ("search/labels/canary", 2),
        ("sear%63h", 2),
    ],
)
def test_version_is_the_one_of_the_path(post, path: str, version: int):
    [row] = post(f"{path}:predict", {"instances": ["x"]}).json["predictions"]
    assert row["first_stage_ranks"] == [version, version + 1, version + 2]


def test_regress(post):
    body = {
        "signature_name": "regress",
        "context": {"offset": 100.0},
        "examples": [{"x": 1.0}, {"x": [0.5]}],
    }
    assert post("examples:regress", body).json == {"results": [102.5, 102.25]}


def test_classify(post):
    body = {"signature_name": "classify", "examples": [{"x": 0.2}]}
    assert post("examples:classify", body).json == {
        "results": [[["up", 0.2], ["down", -0.2]]]
    }


@pytest.mark.parametrize("path", ["search", "search/versions/2", "search/labels/canary"])
def test_status(get, path: str):
    # The status API ignores a label, as gRPC's does.
    versions = ["2"] if "versions" in path else ["1", "2"]
    assert get(path).json == {
        "model_version_status": [
            {
                "version": version,
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
            for version in versions
        ]
    }


def test_metadata(get):
    content = get("affine/metadata").json
    assert content["model_spec"]["name"] == "affine"
    assert content["model_spec"]["version"] == "7"
    signature = content["metadata"]["signature_def"]["signature_def"]["total"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["x"]["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in signature["inputs"]["x"]["tensor_shape"]["dim"]] == [
        "-1",
        "3",
    ]
