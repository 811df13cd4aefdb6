"""What a `PredictRequest` asks of a servable.

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
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from serving.models.servable import Servable
from serving.requests.tensor_proto import decode, session_name
from serving.status import invalid_argument


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
    name = signature_name_of(request.model_spec)
    signature = servable.signature(name)
    _check_aliases(signature, request.inputs)
    inputs = _decode_inputs(signature, request.inputs)
    fetched = _fetched_aliases(signature, request.output_filter)
    check_dtypes(signature, inputs)
    return PredictCall(name, inputs, fetched)


def signature_name_of(spec: ModelSpec) -> str:
    """The signature that a request means."""
    return spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def check_dtypes(signature: SignatureDef, inputs: Mapping[str, np.ndarray]) -> None:
    """Refuses inputs of another dtype than the signature's; nothing is cast.

    Args:
        signature: what takes the inputs.
        inputs: input alias -> array, one for each input of the signature.

    Raises:
        StatusError: INVALID_ARGUMENT, in the words of TF-Serving's session.
    """
    for position, alias in enumerate(sorted(inputs)):
        wanted = tf.dtypes.as_dtype(signature.inputs[alias].dtype)
        given = tf.dtypes.as_dtype(inputs[alias].dtype)
        if given != wanted:
            raise invalid_argument(
                f"Expects arg[{position}] to be {session_name(wanted)} but "
                f"{session_name(given)} is provided (input alias: {alias})"
            )


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
