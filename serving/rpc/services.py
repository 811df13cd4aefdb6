"""TF-Serving's `PredictionService` and `ModelService`, and gRPC's health service.

Handlers get the bytes of a request: what they decode, they have checked. Bytes that are no
request are INVALID_ARGUMENT.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis.classification_pb2 import (
    ClassificationRequest,
    ClassificationResponse,
)
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.inference_pb2 import (
    InferenceTask,
    MultiInferenceRequest,
    MultiInferenceResponse,
)
from tensorflow_serving.apis.model_management_pb2 import (
    ReloadConfigRequest,
    ReloadConfigResponse,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.regression_pb2 import RegressionResponse

from fitrank_tf.core.packages import imports_of
from serving.models.model_status import model_status
from serving.requests.example_inference import ExampleInference
from serving.requests.inference import Inference
from serving.requests.predict_request import PredictMessage
from serving.requests.serialized_examples import encoded_examples
from serving.requests.tensor_proto import encode
from serving.requests.wire import WireError, messages
from serving.status import REQUEST_ERRORS, invalid_argument, status_of

with imports_of("serving"):
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc

# "" stands for the whole server.
HEALTH_SERVICES = ("", "ModelService", "PredictionService")

_ENTRYPOINT = "GRPC"
_MAX_TASKS = 1000

M = TypeVar("M", bound=Message)
_Method = Callable[[bytes], Awaitable[Message | bytes]]


@dataclass(frozen=True)
class Services:
    """The methods of both services, for requests that are still encoded.

    Attributes:
        inference: runs `Predict`, and has the models.
        examples: runs the methods on tf.Examples.
    """

    inference: Inference
    examples: ExampleInference

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds both services to a server that has not started."""
        services: dict[str, list[_Method]] = {
            "PredictionService": [
                self.Predict,
                self.Classify,
                self.Regress,
                self.MultiInference,
                self.GetModelMetadata,
            ],
            "ModelService": [self.GetModelStatus, self.HandleReloadConfigRequest],
        }
        for name, methods in services.items():
            handlers = {method.__name__: _handler(method) for method in methods}
            service = f"tensorflow.serving.{name}"
            generic = grpc.method_handlers_generic_handler(service, handlers)
            server.add_generic_rpc_handlers((generic,))

    async def Predict(self, content: bytes) -> bytes:  # noqa: N802
        """Runs one signature on tensors."""
        request = PredictMessage.parse(content)
        name = request.model_spec.name if request.model_spec else ""
        with self.inference.metrics.request(name, "Predict", _ENTRYPOINT):
            prediction = await self.inference.predict(request)

            def response() -> bytes:
                made = PredictResponse(model_spec=prediction.model_spec)
                for alias, array in prediction.outputs.items():
                    encode(array, made.outputs[alias])
                return made.SerializeToString()

            return await self.inference.threads.aside(prediction.encoded_bytes, response)

    async def Classify(self, content: bytes) -> ClassificationResponse:  # noqa: N802
        """Classes and scores for each tf.Example."""
        spec, examples = _on_examples(content)
        with self._counted(spec, "Classify"):
            return await self.examples.classify(spec, examples)

    async def Regress(self, content: bytes) -> RegressionResponse:  # noqa: N802
        """A value for each tf.Example."""
        spec, examples = _on_examples(content)
        with self._counted(spec, "Regress"):
            return await self.examples.regress(spec, examples)

    async def MultiInference(  # noqa: N802
        self, content: bytes
    ) -> MultiInferenceResponse:
        """Several classifications and regressions of the same tf.Examples."""
        encoded, given = _parts(content)
        if len(encoded) > _MAX_TASKS:
            raise invalid_argument(f"{len(encoded)} tasks, the limit is {_MAX_TASKS}")
        tasks = [_parsed(InferenceTask, task) for task in encoded]
        with self._counted(tasks[0].model_spec if tasks else None, "MultiInference"):
            return await self.examples.multi_inference(tasks, encoded_examples(given))

    async def GetModelMetadata(self, content: bytes) -> Message:  # noqa: N802
        """The SignatureDefs of a model."""
        return self.inference.metadata(_parsed(GetModelMetadataRequest, content))

    async def GetModelStatus(self, content: bytes) -> Message:  # noqa: N802
        """The state of one version of a model, or of all its versions."""
        request = _parsed(GetModelStatusRequest, content)
        return model_status(self.inference.manager, request)

    async def HandleReloadConfigRequest(  # noqa: N802
        self, content: bytes
    ) -> ReloadConfigResponse:
        """Replaces the list of served models; returns when new models are loaded."""
        config = _parsed(ReloadConfigRequest, content).config
        if config.WhichOneof("config") != "model_config_list":
            raise invalid_argument(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                "ModelConfigList is currently supported"
            )
        # In a thread of its own: a load may take minutes.
        models = list(config.model_config_list.config)
        await asyncio.to_thread(self.inference.manager.reload, models)
        response = ReloadConfigResponse()
        response.status.SetInParent()
        return response

    def _counted(self, spec: ModelSpec | None, api: str) -> Any:
        name = spec.name if spec else ""
        return self.inference.metrics.request(name, api, _ENTRYPOINT)


async def add_health_service(server: grpc.aio.Server) -> health.aio.HealthServicer:
    """Adds grpc.health.v1 to a server that has not started, in the state SERVING.

    As in TF-Serving it says that the server accepts requests, not that a model is ready.

    Returns:
        The servicer, whose `enter_graceful_shutdown` is to be called at a stop.
    """
    servicer = health.aio.HealthServicer()
    for service in HEALTH_SERVICES:
        await servicer.set(service, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    return servicer


def _handler(method: _Method) -> grpc.RpcMethodHandler:
    """The handler of a method: `REQUEST_ERRORS` abort the call with their code.

    gRPC logs any other exception with its traceback and returns UNKNOWN.
    """

    async def respond(content: bytes, context: grpc.aio.ServicerContext) -> bytes:
        try:
            response = await method(content)
            return response if isinstance(response, bytes) else response.SerializeToString()
        except REQUEST_ERRORS as error:
            code, message = status_of(error)
        await context.abort(code, message)
        raise AssertionError("abort raises")

    return grpc.unary_unary_rpc_method_handler(respond)


def _parsed(kind: type[M], content: bytes | memoryview) -> M:
    try:
        return kind.FromString(bytes(content))
    except DecodeError as error:
        name = kind.DESCRIPTOR.name
        raise invalid_argument(f"the bytes are no {name}: {error}") from error


def _on_examples(content: bytes) -> tuple[ModelSpec | None, list[bytes]]:
    """The model and the tf.Examples of a ClassificationRequest or RegressionRequest."""
    specs, given = _parts(content)
    spec = _parsed(ModelSpec, b"".join(specs)) if specs else None
    return spec, encoded_examples(given)


_INPUT = ClassificationRequest.DESCRIPTOR.fields_by_name["input"].number
assert MultiInferenceRequest.DESCRIPTOR.fields_by_name["input"].number == _INPUT


def _parts(content: bytes) -> tuple[list[memoryview], bytes]:
    """The specs or tasks of a request on tf.Examples, and its encoded `Input`."""
    others, given = [], b""
    try:
        for number, value in messages(content):
            if number == _INPUT:
                given += value
            else:
                others.append(value)
    except WireError as error:
        raise invalid_argument(f"the bytes are no request: {error}") from error
    return others, given
