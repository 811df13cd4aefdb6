"""TF-Serving's REST API: paths and JSON in, JSON and HTTP codes out.

Paths, codes and words are those of `http_rest_api_util.cc`, `http_rest_api_handler.cc`
and `http_server.cc` of tensorflow/serving; the calls behind them are those of gRPC.
"""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from serving.http import json_examples, json_tensors
from serving.process.metrics import CONTENT_TYPE
from serving.requests.example_inference import ExampleInference
from serving.requests.inference import SIGNATURE_DEF_FIELD, Inference
from serving.requests.predict_request import signature_name_of
from serving.services.model_service import model_status
from serving.status import REQUEST_ERRORS, StatusError, invalid_argument, status_of

_VERSION = r"(?:(?:/versions/(?P<version>[0-9]+))|(?:/labels/(?P<label>[^/:]+)))?"
_INFERENCE_PATH = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<verb>classify|regress|predict)", re.I
)
_MODEL_PATH = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?:/(?P<metadata>metadata))?", re.I
)
_API_PATH = re.compile("/v1/.*", re.I | re.S)

_MAX_VERSION = 2**63 - 1

_HTTP_CODES = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 500,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}

_ENTRYPOINT = "REST"
_JSON = "application/json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HttpAnswer:
    """What goes back to an HTTP client.

    Attributes:
        code: the HTTP status code.
        body: the bytes of the body.
        content_type: what they are.
    """

    code: int
    body: bytes
    content_type: str = _JSON


class RestApi:
    """Answers HTTP requests by the calls that gRPC requests take."""

    def __init__(
        self,
        inference: Inference,
        examples: ExampleInference,
        metrics_path: str | None = None,
    ) -> None:
        """Serves the models of `inference`.

        Args:
            inference: the models.
            examples: the same for tf.Examples.
            metrics_path: where Prometheus finds the metrics; None for nowhere.
        """
        self._inference = inference
        self._metrics_path = metrics_path
        self._calls: dict[str, Callable[[ModelSpec, bytes], dict[str, Any]]] = {
            "predict": self._predict,
            "classify": lambda spec, body: _classify(examples, spec, body),
            "regress": lambda spec, body: _regress(examples, spec, body),
        }

    def answer(self, method: str, path: str, body: bytes) -> HttpAnswer:
        """The answer to one request, never an exception.

        Args:
            method: "GET" or "POST".
            path: of the URL, without query, as it was sent.
            body: of the request, unpacked.
        """
        if method == "GET" and path == self._metrics_path:
            return HttpAnswer(200, self._inference.metrics.page(), CONTENT_TYPE)
        if not _API_PATH.fullmatch(path):
            return error_answer(404, f"no such path: {path}")
        try:
            return _json_answer(200, self._respond(method, path, body))
        except REQUEST_ERRORS as error:
            code, message = status_of(error)
            return error_answer(_HTTP_CODES[code], message)
        except Exception:
            logger.exception("%s %s failed", method, path)
            return error_answer(500, "internal error: see the server's log")

    def _respond(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        if method == "POST" and (match := _INFERENCE_PATH.fullmatch(path)):
            spec = _model_spec(match)
            # The verb is matched in any case but has to be in small letters, as there.
            if verb := self._calls.get(match["verb"]):
                with self._inference.metrics.request(spec.name, match["verb"], _ENTRYPOINT):
                    return verb(spec, body)
        if method == "GET" and (match := _MODEL_PATH.fullmatch(path)):
            if not match["name"]:
                raise invalid_argument("Missing model name in request.")
            spec = _model_spec(match)
            return self._metadata(spec) if match["metadata"] else self._status(spec)
        raise invalid_argument(f"Malformed request: {method} {path}")

    def _predict(self, spec: ModelSpec, body: bytes) -> dict[str, Any]:
        document = _document(spec, body)
        servable = self._inference.manager.find(PredictRequest(model_spec=spec))
        name = signature_name_of(spec)
        if name not in servable.signature_defs:
            raise invalid_argument(
                f'Serving signature name: "{name}" not found in signature def'
            )
        signature = servable.signature(name)
        inputs = json_tensors.parse_inputs(document, signature.inputs)
        prediction = self._inference.predict_arrays(servable, name, inputs)
        return json_tensors.format_outputs(prediction.outputs, document)

    def _status(self, spec: ModelSpec) -> dict[str, Any]:
        request = GetModelStatusRequest(model_spec=spec)
        return _as_dict(model_status(self._inference.manager, request))

    def _metadata(self, spec: ModelSpec) -> dict[str, Any]:
        response = self._inference.metadata(
            GetModelMetadataRequest(model_spec=spec, metadata_field=[SIGNATURE_DEF_FIELD])
        )
        signatures = SignatureDefMap()
        response.metadata[SIGNATURE_DEF_FIELD].Unpack(signatures)
        return {
            "model_spec": _as_dict(response.model_spec),
            "metadata": {SIGNATURE_DEF_FIELD: _as_dict(signatures)},
        }


def status_answer(error: StatusError) -> HttpAnswer:
    """The answer to a request that fails before its path is looked at."""
    return error_answer(_HTTP_CODES[error.code], error.message)


def error_answer(code: int, message: str) -> HttpAnswer:
    """{"error": message}, as TF-Serving has it."""
    return _json_answer(code, {"error": message})


def _document(spec: ModelSpec, body: bytes) -> dict[str, Any]:
    """The JSON of a body; the signature that it names goes into the spec."""
    document = json_tensors.parse_object(body)
    spec.signature_name = json_tensors.signature_name_of(document)
    return document


def _classify(examples: ExampleInference, spec: ModelSpec, body: bytes) -> dict[str, Any]:
    document = _document(spec, body)
    request = ClassificationRequest(
        model_spec=spec, input=json_examples.parse_examples(document)
    )
    return json_examples.format_classifications(examples.classify(request).result)


def _regress(examples: ExampleInference, spec: ModelSpec, body: bytes) -> dict[str, Any]:
    document = _document(spec, body)
    request = RegressionRequest(
        model_spec=spec, input=json_examples.parse_examples(document)
    )
    return json_examples.format_regressions(examples.regress(request).result)


def _model_spec(match: re.Match[str]) -> ModelSpec:
    spec = ModelSpec(name=unquote(match["name"]))
    if match["version"]:
        version = int(match["version"])
        if version > _MAX_VERSION:
            raise invalid_argument(
                f"Failed to convert version: {match['version']} to numeric."
            )
        spec.version.value = version
    if match["label"]:
        spec.version_label = unquote(match["label"])
    return spec


def _as_dict(message: Message) -> dict[str, Any]:
    return MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )


def _json_answer(code: int, content: dict[str, Any]) -> HttpAnswer:
    # NaN and Infinity stay as such, which is no JSON but what TF-Serving writes.
    return HttpAnswer(code, json.dumps(content, ensure_ascii=False).encode())
