"""TF-Serving's `PredictionService` over gRPC."""

import grpc
from tensorflow_serving.apis import prediction_service_pb2_grpc
from tensorflow_serving.apis.classification_pb2 import (
    ClassificationRequest,
    ClassificationResponse,
)
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
)
from tensorflow_serving.apis.inference_pb2 import (
    MultiInferenceRequest,
    MultiInferenceResponse,
)
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse

from serving.requests.example_inference import ExampleInference
from serving.requests.inference import Inference
from serving.requests.tensor_proto import encode
from serving.status import aborts_with_status

_ENTRYPOINT = "GRPC"


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Runs inference requests and counts them."""

    def __init__(self, inference: Inference, examples: ExampleInference) -> None:
        self._inference = inference
        self._examples = examples
        self._metrics = inference.metrics

    @aborts_with_status
    def Predict(  # noqa: N802  the protocol's name
        self, request: PredictRequest, context: grpc.ServicerContext
    ) -> PredictResponse:
        """Runs one signature on tensors."""
        with self._metrics.request(request.model_spec.name, "Predict", _ENTRYPOINT):
            prediction = self._inference.predict(request)
            response = PredictResponse(model_spec=prediction.model_spec)
            for alias, array in prediction.outputs.items():
                encode(array, response.outputs[alias])
            return response

    @aborts_with_status
    def GetModelMetadata(  # noqa: N802  the protocol's name
        self, request: GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> GetModelMetadataResponse:
        """The SignatureDefs of a model."""
        return self._inference.metadata(request)

    @aborts_with_status
    def Classify(  # noqa: N802  the protocol's name
        self, request: ClassificationRequest, context: grpc.ServicerContext
    ) -> ClassificationResponse:
        """Classes and scores for each tf.Example."""
        with self._metrics.request(request.model_spec.name, "Classify", _ENTRYPOINT):
            return self._examples.classify(request)

    @aborts_with_status
    def Regress(  # noqa: N802  the protocol's name
        self, request: RegressionRequest, context: grpc.ServicerContext
    ) -> RegressionResponse:
        """A value for each tf.Example."""
        with self._metrics.request(request.model_spec.name, "Regress", _ENTRYPOINT):
            return self._examples.regress(request)

    @aborts_with_status
    def MultiInference(  # noqa: N802  the protocol's name
        self, request: MultiInferenceRequest, context: grpc.ServicerContext
    ) -> MultiInferenceResponse:
        """Several classifications and regressions of the same tf.Examples."""
        model = request.tasks[0].model_spec.name if request.tasks else ""
        with self._metrics.request(model, "MultiInference", _ENTRYPOINT):
            return self._examples.multi_inference(request)
