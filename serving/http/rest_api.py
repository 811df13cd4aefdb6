"""TF-Serving's REST API: from a path and a JSON body to an HTTP code and a JSON body.

Paths, codes and messages are those of `http_rest_api_util.cc`, `http_rest_api_handler.cc`
and `http_server.cc` of tensorflow/serving. gRPC requests run through the same calls.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.http import json_examples, json_outputs, json_tensors
from serving.http.endpoint import Endpoint, json_response
from serving.models.model_status import model_status
from serving.process.metrics import CONTENT_TYPE
from serving.process.options import ServerOptions
from serving.requests.example_inference import ExampleInference
from serving.requests.inference import SIGNATURE_DEF_FIELD, Inference
from serving.requests.predict_request import PredictCall, signature_name_of
from serving.status import StatusError, invalid_argument

_VERSION = r"(?:(?:/versions/(?P<version>[0-9]+))|(?:/labels/(?P<label>[^/:]+)))?"
_INFERENCE_PATH = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<verb>classify|regress|predict)", re.I
)
_MODEL_PATH = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?:/(?P<metadata>metadata))?", re.I
)
_API_PATH = re.compile("/v1/.*", re.I | re.S)

_MAX_VERSION = 2**63 - 1

_ENTRYPOINT = "REST"


class RestApi:
    """Maps HTTP requests to the calls that gRPC requests use.

    Attributes:
        app: the ASGI application.
    """

    def __init__(
        self,
        inference: Inference,
        examples: ExampleInference,
        options: ServerOptions,
        pages: Sequence[BaseRoute] = (),
    ) -> None:
        """Serves the models of `inference`.

        Args:
            inference: runs `predict` and `metadata`.
            examples: runs `classify` and `regress`.
            options: the token, the timeout, the concurrency and the path of the metrics.
            pages: what else the port serves, under paths of their own.
        """
        self._inference = inference
        self._examples = examples
        self._calls: dict[str, Callable[[ModelSpec, bytes], Awaitable[Response]]] = {
            "predict": self._predict,
            "classify": self._classify,
            "regress": self._regress,
        }
        # All that the port serves, before the API, which answers every other path.
        routes = list(pages)
        if options.metrics_path:
            metrics = Endpoint(self._metrics, options, inference.threads)
            routes.append(Route(options.metrics_path, metrics))
        self.app = Starlette(routes=routes)
        self.app.router.default = Endpoint(self._api, options, inference.threads)

    async def _metrics(self, method: str, path: str, body: bytes) -> Response:
        page = self._inference.metrics.page()
        return Response(page, headers={"Content-Type": CONTENT_TYPE})

    async def _api(self, method: str, path: str, body: bytes) -> Response:
        if not _API_PATH.fullmatch(path):
            raise StatusError(grpc.StatusCode.NOT_FOUND, f"no such path: {path}")
        if method == "POST" and (match := _INFERENCE_PATH.fullmatch(path)):
            spec = _model_spec(match)
            # As in TF-Serving the path matches in any case, but the verb must be lowercase.
            if verb := self._calls.get(match["verb"]):
                with self._inference.metrics.request(spec.name, match["verb"], _ENTRYPOINT):
                    return await verb(spec, body)
        if method == "GET" and (match := _MODEL_PATH.fullmatch(path)):
            if not match["name"]:
                raise invalid_argument("Missing model name in request.")
            spec = _model_spec(match)
            return self._metadata(spec) if match["metadata"] else self._status(spec)
        raise invalid_argument(f"Malformed request: {method} {path}")

    async def _predict(self, spec: ModelSpec, body: bytes) -> Response:
        document = await self._document(spec, body)
        servable = self._inference.manager.find(spec)
        name = signature_name_of(spec)
        if name not in servable.signature_defs:
            raise invalid_argument(
                f'Serving signature name: "{name}" not found in signature def'
            )
        signature = servable.signature(name)
        inputs = await self._inference.threads.aside(
            len(body), lambda: json_tensors.parse_inputs(document, signature.inputs)
        )
        call = PredictCall(name, inputs, sorted(signature.outputs))
        prediction = await self._inference.predict_arrays(servable, call)
        return await self._inference.threads.aside(
            prediction.encoded_bytes,
            lambda: json_response(
                json_outputs.format_outputs(prediction.outputs, document)
            ),
        )

    async def _classify(self, spec: ModelSpec, body: bytes) -> Response:
        examples = await self._parsed_examples(spec, body)
        response = await self._examples.classify(spec, examples)
        return json_response(json_examples.format_classifications(response.result))

    async def _regress(self, spec: ModelSpec, body: bytes) -> Response:
        examples = await self._parsed_examples(spec, body)
        response = await self._examples.regress(spec, examples)
        return json_response(json_examples.format_regressions(response.result))

    async def _parsed_examples(self, spec: ModelSpec, body: bytes) -> list[bytes]:
        document = await self._document(spec, body)
        return await self._inference.threads.aside(
            len(body), lambda: json_examples.parse_examples(document)
        )

    async def _document(self, spec: ModelSpec, body: bytes) -> dict[str, Any]:
        """Parses a body; writes the signature name in it to the spec."""

        def parse() -> dict[str, Any]:
            self._inference.limits.check_json(body)
            return json_tensors.parse_object(body)

        document = await self._inference.threads.aside(len(body), parse)
        spec.signature_name = json_tensors.signature_name_of(document)
        return document

    def _status(self, spec: ModelSpec) -> Response:
        request = GetModelStatusRequest(model_spec=spec)
        return json_response(_as_dict(model_status(self._inference.manager, request)))

    def _metadata(self, spec: ModelSpec) -> Response:
        response = self._inference.metadata(
            GetModelMetadataRequest(model_spec=spec, metadata_field=[SIGNATURE_DEF_FIELD])
        )
        signatures = SignatureDefMap()
        response.metadata[SIGNATURE_DEF_FIELD].Unpack(signatures)
        return json_response(
            {
                "model_spec": _as_dict(response.model_spec),
                "metadata": {SIGNATURE_DEF_FIELD: _as_dict(signatures)},
            }
        )


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
