"""Parsing and checking a `PredictRequest`.

The checks have TF-Serving's order, codes and messages (`predict_util.cc` of
tensorflow/serving, `cc/saved_model/util.cc` of TensorFlow), so a client tested on this
server gets the same errors from TF-Serving. Nothing is decoded before it is checked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from serving.batching.batches import LoadedServable
from serving.requests.limits import Limits
from serving.requests.tensor_proto import decode, read_tensor, session_name
from serving.requests.wire import WireError, messages, text
from serving.status import invalid_argument

_NUMBERS = {field.name: field.number for field in PredictRequest.DESCRIPTOR.fields}
_SPEC, _INPUTS, _FILTER = (
    _NUMBERS[name] for name in ("model_spec", "inputs", "output_filter")
)
# Fields of an entry of a map.
_KEY, _VALUE = 1, 2

# No signature has so many inputs and outputs.
_MAX_PARTS = 10_000


@dataclass(frozen=True)
class PredictMessage:
    """A `PredictRequest` whose tensors are not decoded.

    Attributes:
        model_spec: the model; None if the request has none.
        inputs: input alias -> encoded TensorProto.
        output_filter: the aliases of the outputs to return; empty for all.
    """

    model_spec: ModelSpec | None = None
    inputs: Mapping[str, bytes | memoryview] = field(default_factory=dict)
    output_filter: Sequence[str] = ()

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Reads an encoded `PredictRequest`.

        Raises:
            StatusError: INVALID_ARGUMENT, the bytes are no such message.
        """
        spec, inputs, output_filter = None, {}, []
        try:
            for count, (number, value) in enumerate(messages(content)):
                if count > _MAX_PARTS:
                    raise WireError(f"more than {_MAX_PARTS} inputs and outputs")
                if number == _SPEC:
                    spec = spec or ModelSpec()
                    spec.MergeFromString(bytes(value))
                elif number == _INPUTS:
                    entry = dict(messages(value))
                    inputs[text(entry.get(_KEY, memoryview(b"")))] = entry.get(_VALUE, b"")
                elif number == _FILTER:
                    output_filter.append(text(value))
        except (WireError, DecodeError) as error:
            raise invalid_argument(f"the bytes are no PredictRequest: {error}") from error
        return cls(spec, inputs, output_filter)


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


def read_predict_request(
    servable: LoadedServable, request: PredictMessage, limits: Limits
) -> PredictCall:
    """Checks a request against the signature that it names, and decodes its inputs.

    Args:
        servable: the model's version; the model that the request names is ignored.
        request: the request.
        limits: the largest tensor that is decoded.

    Raises:
        StatusError: the signature does not exist (FAILED_PRECONDITION), or has other
            inputs or outputs than the request (INVALID_ARGUMENT).
    """
    name = signature_name_of(request.model_spec or ModelSpec())
    signature = servable.signature(name)
    _check_aliases(signature, request.inputs)
    fetched = _fetched_aliases(signature, request.output_filter)
    return PredictCall(name, _decode_inputs(signature, request.inputs, limits), fetched)


def signature_name_of(spec: ModelSpec) -> str:
    """The signature name in a spec, `serving_default` if it has none."""
    return spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def check_dtypes(signature: SignatureDef, dtypes: Mapping[str, tf.DType]) -> None:
    """Checks that inputs have the dtypes of a signature; nothing is cast.

    Args:
        signature: the signature.
        dtypes: input alias -> dtype, one for each input of the signature.

    Raises:
        StatusError: INVALID_ARGUMENT, with the message of TF-Serving's session.
    """
    for position, alias in enumerate(sorted(dtypes)):
        wanted, given = tf.dtypes.as_dtype(signature.inputs[alias].dtype), dtypes[alias]
        if given != wanted:
            raise invalid_argument(
                f"Expects arg[{position}] to be {session_name(wanted)} but "
                f"{session_name(given)} is provided (input alias: {alias})"
            )


def _check_aliases(signature: SignatureDef, sent: Iterable[str]) -> None:
    """Rejects missing, extra and misnamed inputs; inputs with a default are optional."""
    wanted, given = set(signature.inputs), set(sent)
    missing = wanted - given - set(signature.defaults)
    extra = given - wanted
    if len(given) == len(wanted) and missing:
        alias = min(missing)
        raise invalid_argument(
            f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) "
            "not found in request and no default value provided. Inputs expected to be "
            f"in the request {_braced(given)}"
        )
    if missing or extra:
        raise invalid_argument(
            f"input size does not match signature: {len(given)}!={len(wanted)} "
            f"len({_braced(given)}) != len({_braced(wanted)}). Sent extra: "
            f"{_braced(extra)}. Missing but required: {_braced(missing)}."
        )


def _braced(aliases: Iterable[str]) -> str:
    return "{" + ",".join(sorted(aliases)) + "}"


def _decode_inputs(
    signature: SignatureDef, sent: Mapping[str, bytes | memoryview], limits: Limits
) -> dict[str, np.ndarray]:
    """Input alias -> array, sorted by alias."""
    tensors = {
        alias: read_tensor(
            alias,
            sent[alias] if alias in sent else signature.defaults[alias].SerializeToString(),
        )
        for alias in sorted(signature.inputs)
    }
    check_dtypes(signature, {alias: tensor.dtype for alias, tensor in tensors.items()})
    for alias, tensor in tensors.items():
        limits.check_tensor(alias, tensor, signature.inputs[alias].tensor_shape)
    return {alias: decode(alias, tensor) for alias, tensor in tensors.items()}


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
