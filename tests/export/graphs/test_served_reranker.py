"""The re-ranker's signatures give the scores of the model."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.input_pb2 import ExampleListWithContext

from fitrank_tf.config import RerankerConfig
from fitrank_tf.export.graphs.served_reranker import (
    ELWC_SIGNATURE,
    PROJECTION_SIGNATURE,
    ServedReranker,
)
from fitrank_tf.export.signatures import (
    DEFAULT_SIGNATURE,
    EXPLAINED_SIGNATURE,
    KEPT_EXPLAINED_SIGNATURE,
    KEPT_SIGNATURE,
    save_served,
)
from fitrank_tf.rerank.model import build_reranker

D, F, FACETS = 6, 5, {"colour": 3, "article_type": 2}
V = sum(FACETS.values())
OF_EXAMPLE = {"features": F, "facet_probs": V, "first_stage": 1}


@pytest.fixture(scope="module")
def model():
    """With weights that let every input count."""
    draw = np.random.default_rng(0)
    features = draw.random((40, F)).astype("float32")
    model = build_reranker(
        RerankerConfig(hidden=(16, 8)), features, D, FACETS, "article_type"
    )
    for weight in model.weights:
        weight.assign(weight + 0.3 * draw.normal(size=weight.shape))
    return model


@pytest.fixture(scope="module")
def served(model, tmp_path_factory):
    module = ServedReranker(model, D, F, V)
    path = save_served(module, tmp_path_factory.mktemp("models") / "reranker", 1)
    return tf.saved_model.load(str(path))


def _lists(lengths: list[int]) -> list[dict[str, np.ndarray]]:
    draw = np.random.default_rng(1)
    return [
        {"query": draw.random(D), "query_facets": draw.integers(0, 2, V)}
        | {name: draw.random((length, width)) for name, width in OF_EXAMPLE.items()}
        for length in lengths
    ]


def _tensors(one: dict[str, np.ndarray]) -> dict[str, tf.Tensor]:
    """A batch of one list, nothing padded."""
    tensors = {name: tf.constant(value[None], tf.float32) for name, value in one.items()}
    tensors["first_stage"] = tensors["first_stage"][..., 0]
    return tensors | {"mask": tf.ones_like(tensors["first_stage"], tf.bool)}


def _proto(one: dict[str, np.ndarray]) -> ExampleListWithContext:
    def example(values: dict[str, np.ndarray]) -> tf.train.Example:
        proto = tf.train.Example()
        for name, value in values.items():
            proto.features.feature[name].float_list.value.extend(np.ravel(value))
        return proto

    length = len(one["first_stage"])
    return ExampleListWithContext(
        context=example({name: one[name] for name in ("query", "query_facets")}),
        examples=[
            example({name: one[name][row] for name in OF_EXAMPLE}) for row in range(length)
        ],
    )


def test_raw_tensors_score_as_the_model_does(served, model) -> None:
    for one in _lists([7, 1]):
        inputs = _tensors(one)
        for signature in (DEFAULT_SIGNATURE, EXPLAINED_SIGNATURE):
            scores = served.signatures[signature](**inputs)["scores"]
            np.testing.assert_allclose(scores, model(inputs), rtol=1e-5, atol=1e-5)


def test_projected_features_score_as_the_features_do(served) -> None:
    inputs = _tensors(_lists([5])[0])
    features = inputs.pop("features")
    feature_projection = served.signatures[PROJECTION_SIGNATURE](features=features[0])[
        "feature_projection"
    ]
    kept = inputs | {"feature_projection": feature_projection[tf.newaxis]}
    for projected, whole in (
        (KEPT_SIGNATURE, DEFAULT_SIGNATURE),
        (KEPT_EXPLAINED_SIGNATURE, EXPLAINED_SIGNATURE),
    ):
        found = served.signatures[projected](**kept)
        wanted = served.signatures[whole](features=features, **inputs)
        assert found.keys() == wanted.keys()
        for name, values in found.items():
            np.testing.assert_allclose(values, wanted[name], rtol=1e-5, atol=1e-5)


def test_protos_of_lists_of_any_length_score_as_raw_tensors_do(served) -> None:
    lists = _lists([4, 9, 1])
    protos = [_proto(one).SerializeToString() for one in lists]
    outputs = served.signatures[ELWC_SIGNATURE](inputs=tf.constant(protos))["outputs"]
    assert outputs.shape == (3, 9)
    for row, one in zip(outputs.numpy(), lists):
        length = len(one["first_stage"])
        alone = served.signatures[DEFAULT_SIGNATURE](**_tensors(one))["scores"][0]
        np.testing.assert_allclose(row[:length], alone, rtol=1e-4, atol=1e-4)
        assert (row[length:] < row[:length].min()).all()


@pytest.mark.parametrize("name", OF_EXAMPLE)
def test_an_example_that_lacks_a_feature_is_refused(served, name: str) -> None:
    proto = _proto(_lists([3])[0])
    del proto.examples[1].features.feature[name]
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"the float list .*{name}"):
        served.signatures[ELWC_SIGNATURE](inputs=tf.constant([proto.SerializeToString()]))


def test_a_context_that_lacks_a_feature_is_refused(served) -> None:
    proto = _proto(_lists([3])[0])
    del proto.context.features.feature["query_facets"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="query_facets"):
        served.signatures[ELWC_SIGNATURE](inputs=tf.constant([proto.SerializeToString()]))
