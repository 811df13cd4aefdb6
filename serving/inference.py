"""The inference calls, whichever protocol brought them.

Checks come in TF-Serving's order and fail with its codes and words
(`predict_util.cc` of tensorflow/serving, `cc/saved_model/util.cc` of TensorFlow), so
that a client tried here meets nothing new there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from serving.limits import Limits
from serving.metrics import Metrics
from serving.model_manager import ModelManager, model_spec_of
from serving.servable import Servable
from serving.status import invalid_argument
from serving.tensor_proto import decode

SIGNATURE_DEF_FIELD = "signature_def"


@dataclass(frozen=True)
class Prediction:
    """The answer to a `Predict`.

    Attributes:
        model_spec: which model, version and signature answered.
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
        """Runs one signature, `serving_default` where the request names none.

        Raises:
            StatusError, tf.errors.OpError: the request cannot be answered.
        """
        servable = self.manager.find(request)
        name = signature_name_of(request.model_spec)
        signature = servable.signature(name)
        _check_aliases(signature, request.inputs)
        for alias, proto in request.inputs.items():
            self._limits.check_size(alias, proto)
        inputs = _decode_inputs(signature, request.inputs)
        fetched = _fetched_aliases(signature, request.output_filter)
        outputs = self.run(servable, name, inputs, fetched, "Predict")
        return Prediction(answering_spec(servable, name), outputs)

    def predict_arrays(
        self, servable: Servable, name: str, inputs: Mapping[str, np.ndarray]
    ) -> Prediction:
        """`predict` for arrays that were made after the signature's inputs."""
        fetched = sorted(servable.signature(name).outputs)
        outputs = self.run(servable, name, inputs, fetched, "Predict")
        return Prediction(answering_spec(servable, name), outputs)

    def metadata(self, request: GetModelMetadataRequest) -> GetModelMetadataResponse:
        """The SignatureDefs of a model, packed as `metadata["signature_def"]`.

        Raises:
            StatusError: another field is asked for, or the model is not served.
        """
        model_spec_of(request)
        _check_metadata_fields(request.metadata_field)
        servable = self.manager.find(request)
        response = GetModelMetadataResponse(model_spec=answering_spec(servable))
        response.metadata[SIGNATURE_DEF_FIELD].Pack(
            SignatureDefMap(signature_def=servable.signature_defs)
        )
        return response

    def run(
        self,
        servable: Servable,
        name: str,
        inputs: Mapping[str, np.ndarray],
        fetched: Sequence[str],
        api: str,
    ) -> dict[str, np.ndarray]:
        """Runs a signature on arrays of any dtype and size, if they are what it takes.

        Raises:
            StatusError: a dtype is not the signature's, or a limit is passed.
            tf.errors.OpError: an op refused the values or shapes.
        """
        _check_dtypes(servable.signature(name), inputs)
        self._limits.check_inputs(inputs)
        with self.metrics.runtime(servable.name, api):
            return servable.run(name, inputs, fetched)


def signature_name_of(spec: ModelSpec) -> str:
    """The signature that a request means."""
    return spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def answering_spec(servable: Servable, signature_name: str = "") -> ModelSpec:
    """The `model_spec` of an answer, which names the version that gave it."""
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


def _check_aliases(signature: SignatureDef, sent: Mapping[str, TensorProto]) -> None:
    """Refuses missing, extra and misnamed inputs; those with a default may be missing."""
    wanted = set(signature.inputs)
    missing = wanted - set(sent) - set(signature.defaults)
    extra = set(sent) - wanted
    if len(sent) == len(wanted) and missing:
        alias = min(missing)
        raise invalid_argument(
            f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) "
            "not found in request and no default value provided. Inputs expected to be "
            f"in the request {_braced(sent)}"
        )
    if missing or extra:
        raise invalid_argument(
            f"input size does not match signature: {len(sent)}!={len(wanted)} "
            f"len({_braced(sent)}) != len({_braced(wanted)}). Sent extra: "
            f"{_braced(extra)}. Missing but required: {_braced(missing)}."
        )


def _braced(aliases: Iterable[str]) -> str:
    return "{" + ",".join(sorted(aliases)) + "}"


def _decode_inputs(
    signature: SignatureDef, sent: Mapping[str, TensorProto]
) -> dict[str, np.ndarray]:
    """Alias -> array, in the order of the aliases."""
    return {
        alias: decode(alias, sent[alias] if alias in sent else signature.defaults[alias])
        for alias in sorted(signature.inputs)
    }


def _check_dtypes(signature: SignatureDef, inputs: Mapping[str, np.ndarray]) -> None:
    for position, alias in enumerate(sorted(inputs)):
        wanted = tf.dtypes.as_dtype(signature.inputs[alias].dtype)
        given = tf.dtypes.as_dtype(inputs[alias].dtype)
        if given != wanted:
            raise invalid_argument(
                f"Expects arg[{position}] to be {session_name(wanted)} but "
                f"{session_name(given)} is provided (input alias: {alias})"
            )


def session_name(dtype: tf.DType) -> str:
    """The name in TF-Serving's messages, which are C++'s."""
    names = {"float32": "float", "float64": "double", "float16": "half"}
    return names.get(dtype.name, dtype.name)


def _fetched_aliases(signature: SignatureDef, output_filter: Iterable[str]) -> list[str]:
    """The output aliases to answer with: those of the filter, or all."""
    fetched: list[str] = []
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs expected "
                f"to be in the set {_braced(signature.outputs)}."
            )
        if alias in fetched:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
        fetched.append(alias)
    return fetched or sorted(signature.outputs)
