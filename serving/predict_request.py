"""What a `PredictRequest` asks of a servable.

Checks come in TF-Serving's order and fail with its codes and words
(`predict_util.cc` of tensorflow/serving, `cc/saved_model/util.cc` of TensorFlow), so
that a client tried here meets nothing new there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from serving.servable import Servable, as_array
from serving.status import StatusError


@dataclass(frozen=True)
class PredictCall:
    """The arguments of `Servable.run`.

    Attributes:
        name: the signature, `serving_default` where the request names none.
        inputs: input alias -> array, one for each input of the signature.
        fetched: the aliases of the outputs to answer with.
    """

    name: str
    inputs: Mapping[str, np.ndarray]
    fetched: Sequence[str]


def read_predict_request(servable: Servable, request: PredictRequest) -> PredictCall:
    """Checks a request against the signature that it names; its model is not looked at.

    Raises:
        StatusError: it names no signature (FAILED_PRECONDITION), or brings other
            inputs, or asks for other outputs, than that has (INVALID_ARGUMENT).
    """
    name = (
        request.model_spec.signature_name
        or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    )
    signature = servable.signature(name)
    _check_aliases(signature, request.inputs)
    inputs = _decode_inputs(signature, request.inputs)
    fetched = _fetched_aliases(signature, request.output_filter)
    _check_dtypes(signature, inputs)
    return PredictCall(
        name, {alias: as_array(tensor) for alias, tensor in inputs.items()}, fetched
    )


def _invalid_argument(message: str) -> StatusError:
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)


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
