"""The served re-ranker: candidate lists to scores."""

from collections.abc import Mapping, Sequence

import tensorflow as tf
from tensorflow_serving.apis.input_pb2 import ExampleListWithContext

from fitrank_tf._legacy import tfr
from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    EXPLAINED_SIGNATURE,
    KEPT_EXPLAINED_SIGNATURE,
    KEPT_SIGNATURE,
    PROJECTION_SIGNATURE,
    ServedModule,
    served_function,
)
from fitrank_tf.rerank.model import PROJECTION_DIM, Reranker

# TF-Ranking's name for lists as serialized ExampleListWithContext.
ELWC_SIGNATURE = "tensorflow/serving/predict"

_OF_QUERY = ("query", "query_facets")
_FIRST_STAGE = "first_stage"
# Stands where an example has no such feature, so past the end of a list.
_ABSENT = float("nan")


class ServedReranker(ServedModule):
    """Signatures that score lists of any length.

    Args:
        model: trained.
        embedding_dim: D.
        num_features: F.
        num_values: V, the facets' values.
    """

    def __init__(
        self, model: Reranker, embedding_dim: int, num_features: int, num_values: int
    ):
        super().__init__(name="reranker")
        self._variables = list(model.variables)
        self._score, self._explain = model.call, model.explain
        self._project = model.feature_projection
        self._widths = {
            "query": embedding_dim,
            "query_facets": num_values,
            "features": num_features,
            "facet_probs": num_values,
        }

    def examples(self) -> Mapping[str, bytes]:
        """A list of one candidate to warm up with."""
        widths = {**self._widths, _FIRST_STAGE: 1}
        context = {name: _floats(widths.pop(name)) for name in _OF_QUERY}
        candidate = {name: _floats(width) for name, width in widths.items()}
        protos = ExampleListWithContext(
            context=_example(context), examples=[_example(candidate)]
        )
        return {"inputs": protos.SerializeToString()}

    def signatures(self) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
        """Raw tensors, with contributions or without, and TF-Ranking's protos.

        `serving_default`: `query` [B, D], `query_facets` [B, V], `features` [B, L, F],
        `facet_probs` [B, L, V], `first_stage` [B, L], `mask` bool [B, L] -> `scores`
        float32 [B, L].

        `explained`: the same -> also `contributions` float32 [B, L, 1 + facets + 1], see
        `Reranker.explain`.

        `feature_projection`: `features` [B, F] -> `feature_projection` float32 [B, 64],
        what a search keeps.

        `kept`, `kept_explained`: as `serving_default` and `explained`, with
        `feature_projection` [B, L, 64] in the place of `features`.

        `tensorflow/serving/predict`: `inputs` string [B] of ExampleListWithContext, whose
        context holds `query` and `query_facets` and whose examples hold `features`,
        `facet_probs` and `first_stage`, all float lists of these widths -> `outputs`
        float32 [B, L], L of the longest list, padding lowest.
        """
        features = tf.TensorSpec([None, self._widths["features"]], tf.float32, "features")
        whole = self._raw_specs("features", self._widths["features"])
        kept = self._raw_specs("feature_projection", PROJECTION_DIM)

        @served_function([features])
        def feature_projection(features: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"feature_projection": self._project(features)}

        @served_function([tf.TensorSpec([None], tf.string, name="inputs")])
        def score_protos(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"outputs": self._score(self._parse(inputs), training=False)}

        return {
            DEFAULT_SIGNATURE: self._scoring(whole),
            EXPLAINED_SIGNATURE: self._explaining(whole),
            PROJECTION_SIGNATURE: feature_projection,
            KEPT_SIGNATURE: self._scoring(kept),
            KEPT_EXPLAINED_SIGNATURE: self._explaining(kept),
            ELWC_SIGNATURE: score_protos,
        }

    def _scoring(
        self, specs: Sequence[tf.TensorSpec]
    ) -> tf.types.experimental.PolymorphicFunction:
        names = [spec.name for spec in specs]

        @served_function(specs)
        def score(*values: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"scores": self._score(dict(zip(names, values)), training=False)}

        return score

    def _explaining(
        self, specs: Sequence[tf.TensorSpec]
    ) -> tf.types.experimental.PolymorphicFunction:
        names = [spec.name for spec in specs]

        @served_function(specs)
        def explain(*values: tf.Tensor) -> dict[str, tf.Tensor]:
            scores, contributions = self._explain(dict(zip(names, values)))
            return {"scores": scores, "contributions": contributions}

        return explain

    def _raw_specs(self, product: str, width: int) -> list[tf.TensorSpec]:
        """Of a list's tensors; `product` names what is known of each candidate."""
        of_query = [
            tf.TensorSpec([None, self._widths[name]], tf.float32, name=name)
            for name in _OF_QUERY
        ]
        of_candidates = [
            tf.TensorSpec([None, None, wide], tf.float32, name=name)
            for name, wide in (
                (product, width),
                ("facet_probs", self._widths["facet_probs"]),
            )
        ]
        return [
            *of_query,
            *of_candidates,
            tf.TensorSpec([None, None], tf.float32, name=_FIRST_STAGE),
            tf.TensorSpec([None, None], tf.bool, name="mask"),
        ]

    def _parse(self, protos: tf.Tensor) -> dict[str, tf.Tensor]:
        """ExampleListWithContext protos to the inputs of the model."""
        widths = {**self._widths, _FIRST_STAGE: 1}
        context = {
            name: tf.io.FixedLenFeature([widths.pop(name)], tf.float32)
            for name in _OF_QUERY
        }
        parsed = tfr.data.parse_from_example_list(
            protos,
            context_feature_spec=context,
            example_feature_spec={
                name: tf.io.FixedLenFeature([width], tf.float32, [_ABSENT] * width)
                for name, width in widths.items()
            },
            mask_feature_name="mask",
        )
        for name in widths:
            parsed[name] = _where_real(parsed[name], parsed["mask"], name)
        return {**parsed, _FIRST_STAGE: tf.squeeze(parsed[_FIRST_STAGE], axis=-1)}


def _floats(width: int) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=[1.0] * width))


def _example(feature: Mapping[str, tf.train.Feature]) -> tf.train.Example:
    return tf.train.Example(features=tf.train.Features(feature=feature))


def _where_real(values: tf.Tensor, mask: tf.Tensor, name: str) -> tf.Tensor:
    """[B, L, width] with zeros for padding; INVALID_ARGUMENT if an example lacks them."""
    lacking = tf.reduce_any(mask[..., tf.newaxis] & tf.math.is_nan(values))
    message = f"an example of an ExampleListWithContext lacks the float list '{name}'"
    with tf.control_dependencies([tf.debugging.Assert(~lacking, [message])]):
        return tf.where(mask[..., tf.newaxis], values, 0.0)
