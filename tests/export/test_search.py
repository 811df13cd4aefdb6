"""The served search against its parts run one after the other in numpy."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.export.search import Search, SearchableCatalogue
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE, save_served
from fitrank_tf.inputs.listwise import ProductTables

IDS, D, F, V = ("p0", "p1", "p2", "p3", "p4"), 4, 2, 3
TITLES = ("Red Shirt", "Blue Shirt", "Café Kurta", "", "Bag")


class _Encoder(tf.Module):
    """A query is a number: its angle."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="query")])
    def encode(self, query):
        angle = tf.strings.to_number(query)
        zero = tf.zeros_like(angle)
        place = tf.stack([tf.cos(angle), tf.sin(angle), zero, zero], axis=1)
        return {"embedding": place, "asked": place[:, :V]}


class _Reranker(tf.Module):
    """The first feature of a candidate, and a little of its first-stage score."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, D], tf.float32, name="query"),
            tf.TensorSpec([None, V], tf.float32, name="asked"),
            tf.TensorSpec([None, None, D], tf.float32, name="images"),
            tf.TensorSpec([None, None, F], tf.float32, name="features"),
            tf.TensorSpec([None, None, V], tf.float32, name="answers"),
            tf.TensorSpec([None, None], tf.float32, name="first_stage"),
            tf.TensorSpec([None, None], tf.bool, name="mask"),
        ]
    )
    def score(self, query, asked, images, features, answers, first_stage, mask):
        # All inputs take part, as they do in the real one.
        nothing = tf.reduce_sum(query) + tf.reduce_sum(images, axis=-1)
        nothing = 0.0 * (nothing + tf.reduce_sum(asked[:, None] * answers, axis=-1))
        scores = features[..., 0] + 0.1 * first_stage + nothing
        return {"scores": tf.where(mask, scores, -1e9)}


@pytest.fixture(scope="module")
def catalogue() -> SearchableCatalogue:
    angles = np.linspace(0, np.pi / 2, len(IDS))
    embeddings = np.stack([np.cos(angles), np.sin(angles), 0 * angles, 0 * angles], axis=1)
    features = np.array([[5, 0], [1, 0], [3, 0], [2, 0], [4, 0]])
    answers = np.ones((len(IDS), V))
    arrays = (array.astype(np.float32) for array in (embeddings, features, answers))
    return SearchableCatalogue(IDS, TITLES, ProductTables(*arrays))


@pytest.fixture(scope="module")
def served(catalogue, tmp_path_factory):
    """Saved with its parts and loaded, as a server has it; lists of three."""
    folder = tmp_path_factory.mktemp("models")
    parts = {"encoder": _Encoder(), "reranker": _Reranker()}
    for name, signature in (("encoder", "encode"), ("reranker", "score")):
        tf.saved_model.save(
            parts[name],
            str(folder / name),
            signatures={DEFAULT_SIGNATURE: getattr(parts[name], signature)},
        )
    search = Search(
        tf.saved_model.load(str(folder / "encoder")),
        tf.saved_model.load(str(folder / "reranker")),
        catalogue,
        list_size=3,
    )
    path = save_served(search, folder / "search", version=7)
    assert path == folder / "search" / "7"
    loaded = tf.saved_model.load(str(path))
    loaded.search = loaded.signatures[DEFAULT_SIGNATURE]
    return loaded


@pytest.mark.parametrize("queries", [["0.1"], ["0.8", "1.5", "0.0"]])
def test_candidates_of_the_first_stage_in_the_order_of_the_reranker(
    served, catalogue, queries
) -> None:
    answer = served.search(query=tf.constant(queries))
    for row, query in enumerate(queries):
        angle = float(query)
        wanted = np.array([np.cos(angle), np.sin(angle), 0, 0])
        similarity = catalogue.tables.embeddings @ wanted
        candidates = np.argsort(-similarity)[:3]
        scores = catalogue.tables.features[candidates, 0] + 0.1 * similarity[candidates]
        order = np.argsort(-scores)
        ids = [item.decode() for item in answer["ids"][row].numpy()]
        assert ids == [IDS[item] for item in candidates[order]]
        titles = [title.decode() for title in answer["titles"][row].numpy()]
        assert titles == [TITLES[item] for item in candidates[order]]
        np.testing.assert_allclose(answer["scores"][row], scores[order], rtol=1e-5)
        np.testing.assert_array_equal(answer["first_stage_ranks"][row], order + 1)


def test_every_output_has_the_batch_in_front(served) -> None:
    for batch in (0, 1, 4):
        answer = served.search(query=tf.constant(["0.5"] * batch, tf.string))
        assert {
            name: tuple(value.shape) for name, value in answer.items()
        } == dict.fromkeys(("ids", "titles", "scores", "first_stage_ranks"), (batch, 3))


def test_a_catalogue_smaller_than_the_list_is_returned_whole(catalogue) -> None:
    class Loaded:
        def __init__(self, function):
            self.signatures = {DEFAULT_SIGNATURE: function}

    encoder, reranker = _Encoder(), _Reranker()
    search = Search(
        Loaded(lambda query: encoder.encode(query)),
        Loaded(lambda **inputs: reranker.score(**inputs)),
        catalogue,
        list_size=100,
    )
    answer = search.signatures()[DEFAULT_SIGNATURE](tf.constant(["0.3"]))
    assert sorted(answer["ids"][0].numpy()) == [item.encode() for item in IDS]
