"""Toys of a client's tests: a model with a search's signatures, and a scripted server."""

from collections.abc import Callable, Mapping, Sequence

import grpc
import tensorflow as tf
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceServicer

# {signature: (inputs, outputs)}.
Signatures = Mapping[str, tuple[Sequence[str], Sequence[str]]]

OUTPUTS = ("ids", "titles", "scores")
PLAIN: Signatures = {"serving_default": (["query"], OUTPUTS)}

SHOP_IDS = [b"11", b"12", b"13", b"14"]
SHOP_TITLES = [b"Red Shirt", b"Plain Shirt", b"Check Shirt", b"Kurta"]
SHOP_GENDERS = [b"Men", b"Women", b"Men", b"Women"]
SHOP_SCORES = [0.875, 0.5, 0.25, 0.125]


class ToyShop(tf.Module):
    """Finds all products that pass a filter, with the signatures of an exported search."""

    _QUERY = tf.TensorSpec([None], tf.string, name="query")
    _FILTERED = [
        _QUERY,
        tf.TensorSpec([None], tf.int32, name="top_k"),
        tf.TensorSpec([None], tf.string, name="gender"),
    ]

    @tf.function(input_signature=[_QUERY])
    def search(self, query: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._found(query, tf.fill(tf.shape(query), 4), tf.fill(tf.shape(query), ""))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")])
    def similar(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.search(image)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="image"),
            tf.TensorSpec([None], tf.string, name="text"),
            *_FILTERED[1:],
        ]
    )
    def similar_filtered(
        self, image: tf.Tensor, text: tf.Tensor, top_k: tf.Tensor, gender: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return self._found(image + text, top_k, gender)

    @tf.function(input_signature=_FILTERED)
    def filtered(
        self, query: tf.Tensor, top_k: tf.Tensor, gender: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        return self._found(query, top_k, gender)

    @tf.function(input_signature=_FILTERED)
    def explained(
        self, query: tf.Tensor, top_k: tf.Tensor, gender: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        found = self._found(query, top_k, gender)
        texts = tf.where(found["ids"] == "", "", "text +1.00")
        return found | {"explanations": texts, "understood": query + " of " + gender}

    def _found(
        self, query: tf.Tensor, top_k: tf.Tensor, gender: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        passes = (gender[:, tf.newaxis] == SHOP_GENDERS) | (gender == "")[:, tf.newaxis]
        order = tf.argsort(tf.cast(~passes, tf.int32), axis=1, stable=True)
        width = tf.clip_by_value(tf.reduce_max(top_k), 0, len(SHOP_IDS))
        order = order[:, :width]
        found = tf.gather(passes, order, batch_dims=1)
        return {
            "ids": tf.where(found, tf.gather(SHOP_IDS, order), ""),
            "titles": tf.where(found, tf.gather(SHOP_TITLES, order), ""),
            "scores": tf.gather(tf.constant(SHOP_SCORES), order),
            "first_stage_ranks": order + 1,
        }


class Scripted(PredictionServiceServicer):
    """Answers each `Predict` by the next step of a script; the last step repeats.

    Attributes:
        signatures: what it says of every model.
        requests: all that it was asked, in order.
        calls: how often `Predict` was asked.
    """

    def __init__(
        self,
        *steps: Callable[[grpc.ServicerContext], PredictResponse],
        signatures: Signatures = PLAIN,
    ) -> None:
        self.steps, self.signatures = list(steps), signatures
        self.requests: list = []
        self.calls = 0

    def GetModelMetadata(  # noqa: N802  the protocol's name
        self, request: GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> GetModelMetadataResponse:
        self.requests.append(request)
        described = SignatureDefMap()
        for name, (inputs, outputs) in self.signatures.items():
            for alias in inputs:
                described.signature_def[name].inputs[alias].SetInParent()
            for alias in outputs:
                described.signature_def[name].outputs[alias].SetInParent()
        response = GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(described)
        return response

    def Predict(  # noqa: N802  the protocol's name
        self, request: PredictRequest, context: grpc.ServicerContext
    ) -> PredictResponse:
        self.requests.append(request)
        step = self.steps[min(self.calls, len(self.steps) - 1)]
        self.calls += 1
        return step(context)


def fails(code: grpc.StatusCode) -> Callable[[grpc.ServicerContext], PredictResponse]:
    return lambda context: context.abort(code, "scripted\nfailure")


def answers(**outputs: object) -> Callable[..., PredictResponse]:
    response = PredictResponse()
    for name, value in outputs.items():
        response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
    return lambda context: response


ONE_HIT = answers(ids=[["5"]], titles=[["Bag"]], scores=[[0.5]])
