"""TF-Serving's `PredictionService`: `Predict` and `GetModelMetadata`."""

from collections.abc import Sequence
from typing import NoReturn

import grpc
import tensorflow as tf
from tensorflow_serving.apis import prediction_service_pb2_grpc
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from serving.model_manager import ModelManager, model_spec_of
from serving.predict_request import read_predict_request
from serving.servable import Servable
from serving.status import StatusError, answers_with_status

_SIGNATURE_DEF_FIELD = "signature_def"


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Runs signatures of the models that a `ModelManager` holds."""

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager

    @answers_with_status
    def Predict(  # noqa: N802  the protocol's name
        self, request: PredictRequest, context: grpc.ServicerContext
    ) -> PredictResponse:
        """Runs one signature, `serving_default` where the request names none."""
        servable = self._manager.find(request)
        call = read_predict_request(servable, request)
        signature = servable.signature(call.name)
        outputs = servable.run(call.name, call.inputs, call.fetched)
        return PredictResponse(
            model_spec=_answering_spec(servable, call.name),
            outputs={
                alias: tf.make_tensor_proto(
                    array, dtype=signature.outputs[alias].dtype, shape=array.shape
                )
                for alias, array in outputs.items()
            },
        )

    @answers_with_status
    def GetModelMetadata(  # noqa: N802  the protocol's name
        self, request: GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> GetModelMetadataResponse:
        """The SignatureDefs of a model, packed as `metadata["signature_def"]`."""
        model_spec_of(request)
        _check_metadata_fields(request.metadata_field)
        servable = self._manager.find(request)
        response = GetModelMetadataResponse(model_spec=_answering_spec(servable))
        response.metadata[_SIGNATURE_DEF_FIELD].Pack(
            SignatureDefMap(signature_def=servable.signature_defs)
        )
        return response

    @answers_with_status
    def Classify(  # noqa: N802  the protocol's name
        self, request: ClassificationRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        """Refuses: no model of ours has a classify signature."""
        raise _not_served("Classify")

    @answers_with_status
    def Regress(  # noqa: N802  the protocol's name
        self, request: RegressionRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        """Refuses: `Predict` gives the re-ranker's scores."""
        raise _not_served("Regress")

    @answers_with_status
    def MultiInference(  # noqa: N802  the protocol's name
        self, request: MultiInferenceRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        """Refuses: it bundles `Classify` and `Regress`."""
        raise _not_served("MultiInference")


def _not_served(method: str) -> StatusError:
    return StatusError(
        grpc.StatusCode.UNIMPLEMENTED, f"{method} is not served here: use Predict"
    )


def _invalid_argument(message: str) -> StatusError:
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


def _answering_spec(servable: Servable, signature_name: str = "") -> ModelSpec:
    spec = ModelSpec(name=servable.name, signature_name=signature_name)
    spec.version.value = servable.version
    return spec


def _check_metadata_fields(fields: Sequence[str]) -> None:
    if not fields:
        raise _invalid_argument(
            "GetModelMetadataRequest must specify at least one metadata_field"
        )
    for field in fields:
        if field != _SIGNATURE_DEF_FIELD:
            raise _invalid_argument(f"Metadata field {field} is not supported")
