"""ScaNN in a saved graph finds what exact search finds, and pads with nothing."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.retrieval import scann_graph
from fitrank_tf.retrieval.scann_graph import SCANN_SAVE_OPTIONS, ScannGraph
from fitrank_tf.retrieval.scann_index import ScannSettings

N, D, K = 3000, 16, 20


@pytest.fixture(scope="module")
def embeddings() -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=(N, D)).astype("float32")
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _saved(embeddings: np.ndarray, folder) -> tf.types.experimental.ConcreteFunction:
    """An index as a server has it."""
    module = tf.Module()
    module.graph = ScannGraph(embeddings)

    @tf.function(input_signature=[tf.TensorSpec([None, D], tf.float32, name="queries")])
    def search(queries: tf.Tensor) -> dict[str, tf.Tensor]:
        rows, found = module.graph(queries, K)
        return {"rows": rows, "found": found}

    tf.saved_model.save(module, str(folder), search, SCANN_SAVE_OPTIONS)
    module = tf.saved_model.load(str(folder))
    # The function alone does not keep its index alive.
    search = module.signatures["serving_default"]
    search.module = module
    return search


def _recall(search, embeddings: np.ndarray) -> float:
    queries = embeddings[:50]
    answer = search(queries=tf.constant(queries))
    assert answer["found"].numpy().all()
    exact = np.argsort(-(queries @ embeddings.T), axis=1)[:, :K]
    return np.mean([np.isin(e, r).mean() for e, r in zip(exact, answer["rows"].numpy())])


def test_a_small_catalogue_is_searched_whole(embeddings, tmp_path) -> None:
    assert _recall(_saved(embeddings, tmp_path), embeddings) == 1.0


def test_a_large_catalogue_is_searched_by_codes(embeddings, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(scann_graph, "SCANN_FROM_ITEMS", 1000)
    assert _recall(_saved(embeddings, tmp_path), embeddings) > 0.95


def test_rows_that_are_not_reached_are_not_real(embeddings, tmp_path, monkeypatch) -> None:
    """Only one leaf is searched, which holds fewer than K items."""
    few = ScannSettings(num_leaves=300, leaves_to_search=1)
    monkeypatch.setattr(scann_graph, "SCANN_FROM_ITEMS", 1000)
    monkeypatch.setattr(scann_graph, "settings_for", lambda _: few)
    answer = _saved(embeddings, tmp_path)(queries=tf.constant(embeddings[:50]))
    assert answer["rows"].shape == answer["found"].shape == (50, K)
    assert not answer["found"].numpy().all()
    for row, found in zip(answer["rows"].numpy(), answer["found"].numpy()):
        assert len(set(row[found])) == found.sum()
