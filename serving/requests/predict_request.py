"""Parsing and checking a `PredictRequest`.

The checks have TF-Serving's order, codes and messages (`predict_util.cc` of
tensorflow/serving, `cc/saved_model/util.cc` of TensorFlow), so a client tested on this
server gets the same errors from TF-Serving.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from serving.batching.batches import LoadedServable
from serving.requests.tensor_proto import decode, session_name
from serving.status import invalid_argument


@dataclass(frozen=True)
class PredictCall:
    """The arguments of `Servable.run`.

    Attributes:
        name: the signature's name.
        inputs: input alias -> array, one for each input of the signature.
        fetched: the aliases of the outputs to return.
    """

    name: str
    inputs: Mapping[str, np.ndarray]
    fetched: Sequence[str]


def read_predict_request(servable: LoadedServable, request: PredictRequest) -> PredictCall:
    """Checks a request against the signature that it names, and decodes its inputs.

    Args:
        servable: the model's version; the model that the request names is ignored.
        request: the request.

    Raises:
        StatusError: the signature does not exist (FAILED_PRECONDITION), or has other
            inputs or outputs than the request (INVALID_ARGUMENT).
    """
    name = signature_name_of(request.model_spec)
    signature = servable.signature(name)
    _check_aliases(signature, request.inputs)
    inputs = _decode_inputs(signature, request.inputs)
    fetched = _fetched_aliases(signature, request.output_filter)
    check_dtypes(signature, inputs)
    return PredictCall(name, inputs, fetched)


def signature_name_of(spec: ModelSpec) -> str:
    """The signature name in a spec, `serving_default` if it has none."""
    return spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def check_dtypes(signature: SignatureDef, inputs: Mapping[str, np.ndarray]) -> None:
    """Checks that inputs have the dtypes of a signature; nothing is cast.

    Args:
        signature: the signature.
        inputs: input alias -> array, one for each input of the signature.

    Raises:
        StatusError: INVALID_ARGUMENT, with the message of TF-Serving's session.
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
    """Rejects missing, extra and misnamed inputs; inputs with a default are optional."""
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
    """Input alias -> array, sorted by alias."""
    return {
        alias: decode(alias, sent[alias] if alias in sent else signature.defaults[alias])
        for alias in sorted(signature.inputs)
    }


def _fetched_aliases(signature: SignatureDef, output_filter: Iterable[str]) -> list[str]:
    """The aliases of the outputs to return: those of the filter, or all."""
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
