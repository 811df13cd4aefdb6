"""HTTP codes and messages of invalid requests to the REST API, over real HTTP.

They are those of `http_rest_api_handler_test.cc`, `json_tensor.cc` and `api_rest.md` of
tensorflow/serving.
"""

import json

import pytest

from tests.serving.toy_http import call


def affine(body: object) -> tuple[str, object]:
    return "affine:predict", body


def total(instances: object) -> tuple[str, object]:
    return "affine:predict", {"signature_name": "total", "instances": instances}


def regress(**body: object) -> tuple[str, object]:
    return "examples:regress", {"signature_name": "regress", **body}


X, SHIFT = [[1, 2, 3]], [[4]]
# The same mistakes as over gRPC, and those that only JSON allows.
BAD_REQUESTS = {
    "unknown model": (
        ("other:predict", {"instances": [1]}),
        404,
        "Servable not found for request: Latest(other)",
    ),
    "unknown version": (
        ("affine/versions/8:predict", {"instances": [1]}),
        404,
        "Servable not found for request: Specific(affine, 8)",
    ),
    "unknown label": (
        ("affine/labels/stable:predict", {"instances": [1]}),
        400,
        "Unrecognized servable version label: stable",
    ),
    "unknown signature": (
        affine({"signature_name": "other", "instances": [1]}),
        400,
        'Serving signature name: "other" not found in signature def',
    ),
    "signature of another type": (
        affine({"signature_name": 100}),
        400,
        "'signature_name' key must be a string value.",
    ),
    "version beyond int64": (
        (f"affine/versions/{2**64}:predict", {"instances": [1]}),
        400,
        "Failed to convert version",
    ),
    "no body": (affine(b""), 400, "JSON Parse error: The document is empty"),
    "no JSON": (affine(b"instances = [1]"), 400, "JSON Parse error: Invalid value"),
    "not UTF-8": (affine(b'{"inputs": "\xff\xff"}'), 400, "JSON Parse error"),
    "nested without end": (affine(b"[" * 100_000), 400, "JSON Parse error"),
    "no object": (affine([1, 2]), 400, "JSON Value: [1, 2] Is not object"),
    "no inputs": (affine({}), 400, "Missing 'inputs' or 'instances' key"),
    "both formats": (
        affine({"inputs": {}, "instances": []}),
        400,
        "only one of 'inputs' or 'instances' keys to exist",
    ),
    "instances of another type": (total(5), 400, "Excepting 'instances' to be an list"),
    "no instances": (total([]), 400, "No values in 'instances' array"),
    "missing input of a row": (
        affine({"instances": [{"x": [1, 2, 3], "shift": [1]}, {"x": [1, 2, 3]}]}),
        400,
        "Failed to process element: 1 of 'instances' list. JSON object: "
        '{"x": [1, 2, 3]} must only have keys: shift,x',
    ),
    "extra input of a row": (
        total([{"x": [1, 2, 3], "z": 1}]),
        400,
        "must only have keys: x",
    ),
    "missing input of the columns": (
        affine({"inputs": {"x": X}}),
        400,
        "Missing named input: shift in 'inputs' object.",
    ),
    "plain rows for two inputs": (
        affine({"instances": X}),
        400,
        "instances is a plain list, but expecting list of objects as multiple input",
    ),
    "plain columns for two inputs": (
        affine({"inputs": X}),
        400,
        "inputs is a plain value/list, but expecting an object as multiple input",
    ),
    "rows of two kinds": (
        total([{"x": [1, 2, 3]}, [1, 2, 3]]),
        400,
        "Expecting object but got list at item 1 of input list",
    ),
    "rows of two kinds, list first": (
        total([[1, 2, 3], {"x": [1, 2, 3]}]),
        400,
        "Expecting value/list but got object at item 1 of input list",
    ),
    "string for float": (
        total([[1, 2, 3], [1, "a", 3]]),
        400,
        "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: JSON "
        'Value: "a" Type: String is not of expected type: float',
    ),
    "true for float": (total([[True, 2, 3]]), 400, "is not of expected type: float"),
    "null for float": (total([[None, 2, 3]]), 400, "Type: Null is not of expected type"),
    "object for float": (total([[{}, 2, 3]]), 400, "is not of expected type: float"),
    "float for int": (
        affine({"inputs": {"x": X, "shift": [[1.0]]}}),
        400,
        "JSON Value: 1.0 Type: Number is not of expected type: int32",
    ),
    "true for int": (
        affine({"inputs": {"x": X, "shift": [[True]]}}),
        400,
        "is not of expected type: int32",
    ),
    "int beyond int32": (
        affine({"inputs": {"x": X, "shift": [[2**31]]}}),
        400,
        "is not of expected type: int32",
    ),
    "int beyond float": (
        total([[2**24 + 1, 2, 3]]),
        400,
        "Cannot convert JSON value: 16777217 to float without loss of precision.",
    ),
    "double beyond float": (
        total([[1e39, 2, 3]]),
        400,
        "Cannot convert JSON value: 1e+39 to float without loss of precision.",
    ),
    "number for string": (
        ("search:predict", {"instances": [5]}),
        400,
        "JSON Value: 5 Type: Number is not of expected type: string",
    ),
    "other object for base64": (
        ("search:predict", {"instances": [{"query": {"b64": 1}}]}),
        400,
        "not formatted correctly for base64 data",
    ),
    "no base64": (
        ("search:predict", {"instances": [{"b64": "!"}]}),
        400,
        "Unable to base64 decode",
    ),
    "half a surrogate pair": (
        ("search:predict", b'{"instances": ["\\ud800"]}'),
        400,
        "The surrogate pair in string is invalid.",
    ),
    "rows of two lengths": (
        total([[1, 2, 3], [1, 2]]),
        400,
        "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
        "Expecting shape [3] but got: [2]",
    ),
    "columns of two lengths": (
        affine({"inputs": {"x": [[1, 2, 3], [1, 2]], "shift": SHIFT}}),
        400,
        "Encountered list at unexpected size: 2 at level: 1 expected size: 3",
    ),
    "number among lists": (
        affine({"inputs": {"x": [[1, 2, 3], 5], "shift": SHIFT}}),
        400,
        "JSON Value: 5 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
    ),
    "list among numbers": (
        affine({"inputs": {"x": [[1, 2, [3]]], "shift": SHIFT}}),
        400,
        "Encountered list at unexpected level: 2 expected < 2",
    ),
    "inner size": (
        affine({"inputs": {"x": [[1, 2]], "shift": SHIFT}}),
        400,
        "Matrix size-incompatible: In[0]: [1,2], In[1]: [3,2]",
    ),
    "assertion in the graph": (
        affine({"inputs": {"x": X, "shift": [[-1]]}}),
        400,
        "shift must not be negative",
    ),
    "dtype that JSON lacks": (
        ("mixed:predict", {"signature_name": "half", "instances": [0.5]}),
        501,
        "to type: half",
    ),
    "output without rows": (
        ("mixed:predict", {"signature_name": "scalar", "instances": ["a"]}),
        400,
        "Tensor name: count has no shape information",
    ),
    "no examples": (regress(), 400, "'examples' is expected and was not found"),
    "empty examples": (regress(examples=[]), 400, "value is an empty array"),
    "examples of another type": (
        regress(examples=1),
        400,
        "Expecting 'examples' value to be an list/array",
    ),
    "example of another type": (
        regress(examples=[1]),
        400,
        "Example must be JSON object but got JSON Number",
    ),
    "feature of two types": (
        regress(examples=[{"x": [1.0, "a"]}]),
        400,
        "Unexpected element type in feature: x expecting type: float",
    ),
    "feature of no type": (
        regress(examples=[{"x": None}]),
        400,
        "Feature: x has element with unexpected JSON type: Null",
    ),
    "feature beyond int64": (
        regress(examples=[{"x": 2**63}]),
        400,
        "Feature: x has uint64 element. Only int64 is supported.",
    ),
    "feature of an int for a float": (regress(examples=[{"x": 1}]), 400, "float"),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_code_of_a_bad_request(post, case: str):
    (path, body), code, gist = BAD_REQUESTS[case]
    reply = post(path, body)
    assert reply.code == code
    assert gist in reply.error


@pytest.mark.parametrize(
    ("method", "path", "code", "gist"),
    [
        ("GET", "/v1/foo", 400, "Malformed request: GET /v1/foo"),
        ("POST", "/v1/models", 400, "Malformed request"),
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("GET", "/v1/models/affine:predict", 400, "Malformed request"),
        ("POST", "/v1/models/affine", 400, "Malformed request"),
        ("POST", "/v1/models/affine/version/7:predict", 400, "Malformed request"),
        ("POST", "/v1/models/affine/versions/x:predict", 400, "Malformed request"),
        ("POST", "/v1/models/affine/versions/7/labels/a:predict", 400, "Malformed request"),
        ("POST", "/v1/models/affine/metadata", 400, "Malformed request"),
        ("POST", "/v1/models/affine:PREDICT", 400, "Malformed request"),
        ("GET", "/statuspage", 404, "no such path: /statuspage"),
        ("GET", "/monitoring/prometheus/metrics", 404, "no such path"),
        ("GET", "/v1/models/other", 404, "Could not find any versions of model other"),
        ("GET", "/v1/models/search/versions/9", 404, "Could not find version 9 of model"),
        ("GET", "/v1/models/other/metadata", 404, "Servable not found for request"),
        ("DELETE", "/v1/models/affine", 501, "Unsupported method"),
    ],
)
def test_code_of_a_bad_path(port: int, method: str, path: str, code: int, gist: str):
    reply = call(port, method, path, b"{}" if method == "POST" else None)
    assert reply.code == code
    assert gist in reply.error


def test_query_of_the_url_is_not_part_of_the_path(get):
    assert get("affine?pretty=1").code == 200


def test_server_still_works_after_bad_requests(post):
    for (path, body), _, _ in BAD_REQUESTS.values():
        post(path, body)
    body = json.dumps({"signature_name": "total", "instances": [[1, 2, 3]]}).encode()
    assert post("affine:predict", body).json == {"predictions": [6.0]}
