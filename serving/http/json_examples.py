"""tf.Examples as JSON, for `classify` and `regress` of TF-Serving's REST API.

A request is {"examples": [{"colour": "red", "weights": [0.5, 2.0]}], "context": {...}}.
Strings and {"b64": ...} become bytes; numbers with a point or an exponent become floats;
other numbers, true and false become int64 (`util/json_tensor.cc` of tensorflow/serving).
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.example.example_pb2 import Example
from tensorflow.core.example.feature_pb2 import Feature
from tensorflow_serving.apis.classification_pb2 import ClassificationResult
from tensorflow_serving.apis.regression_pb2 import RegressionResult

from serving.http.json_tensors import (
    check_lossless,
    decode_base64,
    encode_text,
    is_base64,
    json_type,
)
from serving.requests.serialized_examples import joined
from serving.status import invalid_argument

_EXAMPLES = "examples"
_CONTEXT = "context"
_INT64 = range(-(2**63), 2**63)


def parse_examples(document: Mapping[str, Any]) -> list[bytes]:
    """Parses the examples of a request, each joined with their context if there is one.

    Args:
        document: the JSON object of the body.

    Raises:
        StatusError: INVALID_ARGUMENT; the message names the wrong feature.
    """
    given = document.get(_EXAMPLES)
    if given is None:
        raise invalid_argument(
            f"When method is classify, key '{_EXAMPLES}' is expected and was not found"
        )
    if not isinstance(given, list):
        raise invalid_argument(f"Expecting '{_EXAMPLES}' value to be an list/array")
    if not given:
        raise invalid_argument(f"'{_EXAMPLES}' value is an empty array")
    context = b""
    if _CONTEXT in document:
        context = _example(document[_CONTEXT]).SerializeToString()
    return joined(context, [_example(one).SerializeToString() for one in given])


def format_classifications(result: ClassificationResult) -> dict[str, Any]:
    """Formats classifications as {"results": [[[label, score], ...], ...]}."""
    return {
        "results": [
            [[one.label, _shortest(one.score)] for one in row.classes]
            for row in result.classifications
        ]
    }


def format_regressions(result: RegressionResult) -> dict[str, Any]:
    """Formats regressions as {"results": [value, ...]}."""
    return {"results": [_shortest(one.value) for one in result.regressions]}


def _example(fields: Any) -> Example:
    if not isinstance(fields, dict):
        raise invalid_argument(
            f"Example must be JSON object but got JSON {json_type(fields)}"
        )
    example = Example()
    for name, content in fields.items():
        feature = example.features.feature[encode_text(name).decode()]
        for value in content if isinstance(content, list) else [content]:
            _add(value, name, feature)
    return example


def _add(value: Any, name: str, feature: Feature) -> None:
    kind, converted = _converted(value, name)
    if feature.WhichOneof("kind") not in (None, kind):
        raise invalid_argument(
            f"Unexpected element type in feature: {name} expecting type: "
            f"{feature.WhichOneof('kind').removesuffix('_list')}"
        )
    getattr(feature, kind).value.append(converted)


def _converted(value: Any, name: str) -> tuple[str, Any]:
    """The field of a Feature that holds a JSON value, and the converted value."""
    if isinstance(value, str):
        return "bytes_list", encode_text(value)
    if is_base64(value):
        return "bytes_list", decode_base64(value)
    if isinstance(value, float):
        check_lossless(value, tf.float32)
        return "float_list", value
    if isinstance(value, int):
        if value not in _INT64:
            raise invalid_argument(
                f"Feature: {name} has uint64 element. Only int64 is supported."
            )
        return "int64_list", int(value)
    raise invalid_argument(
        f"Feature: {name} has element with unexpected JSON type: {json_type(value)}"
    )


def _shortest(value: float) -> float:
    """A float32 rounded to its shortest decimal: 0.2 for 0.20000000298023224."""
    return float(str(tf.float32.as_numpy_dtype(value)))
