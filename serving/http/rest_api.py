"""TF-Serving's REST API: from a path and a JSON body to an HTTP code and a JSON body.

Paths, codes and messages are those of `http_rest_api_util.cc`, `http_rest_api_handler.cc`
and `http_server.cc` of tensorflow/serving. gRPC requests run through the same calls.
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
class HttpResponse:
    """The response to an HTTP request.

    Attributes:
        code: the HTTP status code.
        body: the uncompressed body.
        content_type: the media type of the body.
    """

    code: int
    body: bytes
    content_type: str = _JSON


class RestApi:
    """Maps HTTP requests to the calls that gRPC requests use."""

    def __init__(
        self,
        inference: Inference,
        examples: ExampleInference,
        metrics_path: str | None = None,
    ) -> None:
        """Serves the models of `inference`.

        Args:
            inference: runs `predict` and `metadata`.
            examples: runs `classify` and `regress`.
            metrics_path: path of the metrics page; None serves no metrics.
        """
        self._inference = inference
        self._metrics_path = metrics_path
        self._calls: dict[str, Callable[[ModelSpec, bytes], dict[str, Any]]] = {
            "predict": self._predict,
            "classify": lambda spec, body: _classify(examples, spec, body),
            "regress": lambda spec, body: _regress(examples, spec, body),
        }

    def handle(self, method: str, path: str, body: bytes) -> HttpResponse:
        """Handles one request; errors become responses, not exceptions.

        Args:
            method: "GET" or "POST".
            path: the path of the URL as it was sent, without the query.
            body: the uncompressed body.
        """
        if method == "GET" and path == self._metrics_path:
            return HttpResponse(200, self._inference.metrics.page(), CONTENT_TYPE)
        if not _API_PATH.fullmatch(path):
            return error_response(404, f"no such path: {path}")
        try:
            return _json_response(200, self._respond(method, path, body))
        except REQUEST_ERRORS as error:
            code, message = status_of(error)
            return error_response(_HTTP_CODES[code], message)
        except Exception:
            logger.exception("%s %s failed", method, path)
            return error_response(500, "internal error: see the server's log")

    def _respond(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        if method == "POST" and (match := _INFERENCE_PATH.fullmatch(path)):
            spec = _model_spec(match)
            # As in TF-Serving the path matches in any case, but the verb must be lowercase.
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


def status_response(error: StatusError) -> HttpResponse:
    """The response to a request that fails before its path is read."""
    return error_response(_HTTP_CODES[error.code], error.message)


def error_response(code: int, message: str) -> HttpResponse:
    """The response {"error": message}, as in TF-Serving."""
    return _json_response(code, {"error": message})


def _document(spec: ModelSpec, body: bytes) -> dict[str, Any]:
    """Parses a body; writes the signature name in it to the spec."""
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


def _json_response(code: int, content: dict[str, Any]) -> HttpResponse:
    # NaN and Infinity are not valid JSON, but TF-Serving writes them too.
    return HttpResponse(code, json.dumps(content, ensure_ascii=False).encode())
