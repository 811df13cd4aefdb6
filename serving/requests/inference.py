"""`Predict` and `GetModelMetadata` requests, of gRPC and of REST."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from serving.batching.batches import LoadedServable
from serving.models.model_manager import ModelManager, model_spec_of
from serving.process.metrics import Metrics
from serving.requests.limits import Limits
from serving.requests.predict_request import PredictCall, read_predict_request
from serving.status import invalid_argument

SIGNATURE_DEF_FIELD = "signature_def"


@dataclass(frozen=True)
class Prediction:
    """The result of a `Predict` request.

    Attributes:
        model_spec: the model, version and signature that ran.
        outputs: output alias -> array, strings as `bytes` objects.
    """

    model_spec: ModelSpec
    outputs: Mapping[str, np.ndarray]


class Inference:
    """Runs signatures of the models that a `ModelManager` holds, within limits.

    Attributes:
        manager: the models.
        metrics: where requests are counted.
    """

    def __init__(self, manager: ModelManager, metrics: Metrics, limits: Limits) -> None:
        self.manager = manager
        self.metrics = metrics
        self._limits = limits

    def predict(self, request: PredictRequest) -> Prediction:
        """Runs one signature, `serving_default` if the request names none.

        Raises:
            StatusError, tf.errors.OpError: the request failed.
        """
        servable = self.manager.find(request)
        for alias, proto in request.inputs.items():
            self._limits.check_size(alias, proto)
        call = read_predict_request(servable, request)
        return self._prediction(servable, call)

    def predict_arrays(
        self, servable: LoadedServable, name: str, inputs: Mapping[str, np.ndarray]
    ) -> Prediction:
        """Runs a signature on arrays that already have its inputs' dtypes.

        Args:
            servable: the model's version.
            name: the signature.
            inputs: input alias -> array, one for each input of the signature.

        Raises:
            StatusError, tf.errors.OpError: as `predict`.
        """
        fetched = sorted(servable.signature(name).outputs)
        return self._prediction(servable, PredictCall(name, inputs, fetched))

    def metadata(self, request: GetModelMetadataRequest) -> GetModelMetadataResponse:
        """The SignatureDefs of a model, packed as `metadata["signature_def"]`.

        Raises:
            StatusError: another metadata field is requested, or the model is not served.
        """
        model_spec_of(request)
        _check_metadata_fields(request.metadata_field)
        servable = self.manager.find(request)
        response = GetModelMetadataResponse(model_spec=response_spec(servable))
        response.metadata[SIGNATURE_DEF_FIELD].Pack(
            SignatureDefMap(signature_def=servable.signature_defs)
        )
        return response

    def run(
        self, servable: LoadedServable, call: PredictCall, api: str
    ) -> dict[str, np.ndarray]:
        """Runs a signature on inputs within the limits, and times it.

        Args:
            servable: the model's version.
            call: the signature, its inputs and the outputs to return.
            api: the method for the metrics, such as "Predict".

        Returns:
            Output alias -> array.

        Raises:
            StatusError: an input exceeds a limit.
            tf.errors.OpError: an op rejected the values or shapes.
        """
        self._limits.check_inputs(call.inputs)
        with self.metrics.runtime(servable.name, api):
            return servable.run(call.name, call.inputs, call.fetched)

    def _prediction(self, servable: LoadedServable, call: PredictCall) -> Prediction:
        outputs = self.run(servable, call, "Predict")
        return Prediction(response_spec(servable, call.name), outputs)


def response_spec(servable: LoadedServable, signature_name: str = "") -> ModelSpec:
    """The `model_spec` of a response, with the version that ran."""
    spec = ModelSpec(name=servable.name, signature_name=signature_name)
    spec.version.value = servable.version
    return spec


def _check_metadata_fields(fields: Sequence[str]) -> None:
    if not fields:
        raise invalid_argument(
            "GetModelMetadataRequest must specify at least one metadata_field"
        )
    for field in fields:
        if field != SIGNATURE_DEF_FIELD:
            raise invalid_argument(f"Metadata field {field} is not supported")
