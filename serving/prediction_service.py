"""TF-Serving's `PredictionService`: `Predict` and `GetModelMetadata`.

Checks come in TF-Serving's order and fail with its codes and words
(`predict_util.cc` of tensorflow/serving, `cc/saved_model/util.cc` of TensorFlow), so
that a client tried here meets nothing new there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

import grpc
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
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
        name = (
            request.model_spec.signature_name
            or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        )
        signature = servable.signature(name)
        _check_aliases(signature, request.inputs)
        inputs = _decode_inputs(signature, request.inputs)
        fetched = _fetched_aliases(signature, request.output_filter)
        _check_dtypes(signature, inputs)
        outputs = servable.run(name, inputs, fetched)
        return PredictResponse(
            model_spec=_answering_spec(servable, name),
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


def _check_aliases(signature: SignatureDef, sent: Mapping[str, TensorProto]) -> None:
    """Refuses missing, extra and misnamed inputs; those with a default may be missing."""
    wanted = set(signature.inputs)
    missing = wanted - set(sent) - set(signature.defaults)
    extra = set(sent) - wanted
    if len(sent) == len(wanted) and missing:
        alias = min(missing)
        raise _invalid_argument(
            f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) "
            "not found in request and no default value provided. Inputs expected to be "
            f"in the request {_braced(sent)}"
        )
    if missing or extra:
        raise _invalid_argument(
            f"input size does not match signature: {len(sent)}!={len(wanted)} "
            f"len({_braced(sent)}) != len({_braced(wanted)}). Sent extra: "
            f"{_braced(extra)}. Missing but required: {_braced(missing)}."
        )


def _braced(aliases: Iterable[str]) -> str:
    return "{" + ",".join(sorted(aliases)) + "}"


def _decode_inputs(
    signature: SignatureDef, sent: Mapping[str, TensorProto]
) -> dict[str, tf.Tensor]:
    """Alias -> tensor, in the order of the aliases."""
    return {
        alias: _decode(alias, sent[alias] if alias in sent else signature.defaults[alias])
        for alias in sorted(signature.inputs)
    }


def _decode(alias: str, proto: TensorProto) -> tf.Tensor:
    try:
        # TensorFlow's own parser: `tf.make_ndarray` accepts sizes that it refuses.
        return tf.io.parse_tensor(
            proto.SerializeToString(), tf.dtypes.as_dtype(proto.dtype)
        )
    except (TypeError, tf.errors.OpError) as error:
        raise _invalid_argument(f"tensor parsing error: {alias}") from error


def _check_dtypes(signature: SignatureDef, inputs: Mapping[str, tf.Tensor]) -> None:
    for position, (alias, tensor) in enumerate(inputs.items()):
        wanted = tf.dtypes.as_dtype(signature.inputs[alias].dtype)
        if tensor.dtype != wanted:
            raise _invalid_argument(
                f"Expects arg[{position}] to be {_session_name(wanted)} but "
                f"{_session_name(tensor.dtype)} is provided (input alias: {alias})"
            )


def _session_name(dtype: tf.DType) -> str:
    """The name in TF-Serving's messages, which are C++'s."""
    return {"float32": "float", "float64": "double"}.get(dtype.name, dtype.name)


def _fetched_aliases(signature: SignatureDef, output_filter: Iterable[str]) -> list[str]:
    """The output aliases to answer with: those of the filter, or all."""
    fetched: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            raise _invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs expected "
                f"to be in the set {_braced(signature.outputs)}."
            )
        if alias in fetched:
            raise _invalid_argument(f"duplicate output tensor alias: {alias}")
        fetched.append(alias)
    return fetched or sorted(signature.outputs)
