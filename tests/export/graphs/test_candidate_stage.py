"""Filtered first stages, saved and loaded, against exact search of what passes."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.datasets.attributes import Attribute
from fitrank_tf.export.graphs import candidate_stage
from fitrank_tf.export.graphs.candidate_stage import ExactStage, ScannStage
from fitrank_tf.export.graphs.served_catalogue import (
    SearchableCatalogue,
    SearchTables,
    ServedCatalogue,
)
from fitrank_tf.retrieval import scann_graph
from fitrank_tf.retrieval.exact_index import ExactIndex
from fitrank_tf.retrieval.scann_graph import SCANN_SAVE_OPTIONS
from fitrank_tf.retrieval.scann_index import ScannSettings

N, D, K = 1400, 16, 100
DRAW = np.random.default_rng(0)
EMBEDDINGS = DRAW.normal(size=(N, D)).astype(np.float32)
EMBEDDINGS /= np.linalg.norm(EMBEDDINGS, axis=1, keepdims=True)
QUERIES = DRAW.normal(size=(6, D)).astype(np.float32)
QUERIES /= np.linalg.norm(QUERIES, axis=1, keepdims=True)
# Five products are "Rare", two in three "Men", and colours follow the embedding.
GENDERS = np.array(["Men", "Men", "Women"])[np.arange(N) % 3].astype(object)
GENDERS[[3, 99, 700, 1200, 1399]] = "Rare"
COLOURS = np.where(EMBEDDINGS[:, 0] > 0.3, "Red", "S|M").astype(object)
SHARES = np.array(["common", "scarce"])[(DRAW.random(N) < 0.08).astype(int)]
COLUMNS = {"gender": GENDERS, "colour": COLOURS, "usage": SHARES.astype(object)}


@pytest.fixture(scope="module")
def catalogue() -> SearchableCatalogue:
    none = np.zeros((N, 1), np.float32)
    attributes = {name: tuple(column) for name, column in COLUMNS.items()}
    ids = tuple(map(str, range(N)))
    return SearchableCatalogue(
        ids,
        ids,
        attributes,
        SearchTables(EMBEDDINGS, none, none, none[:, :, np.newaxis, np.newaxis]),
        tuple(Attribute(name) for name in COLUMNS),
    )


def _brute_force(_: pytest.MonkeyPatch) -> type[ScannStage]:
    return ScannStage


def _fetching(patch: pytest.MonkeyPatch) -> type[ScannStage]:
    """Fetches and checks whenever it can."""
    patch.setattr(candidate_stage, "EXACT_FACTOR", 0)
    return ScannStage


def _of_codes(patch: pytest.MonkeyPatch) -> type[ScannStage]:
    """Built as for a large catalogue, but re-scores every code."""
    patch.setattr(scann_graph, "SCANN_FROM_ITEMS", 1000)
    patch.setattr(scann_graph, "settings_for", lambda _: ScannSettings(reorder=N))
    return _fetching(patch)


def _of_leaves(patch: pytest.MonkeyPatch) -> type[ScannStage]:
    """Searches two of forty leaves, more with a filter."""
    settings = ScannSettings(num_leaves=40, leaves_to_search=2, reorder=N)
    patch.setattr(scann_graph, "SCANN_FROM_ITEMS", 1000)
    patch.setattr(scann_graph, "settings_for", lambda _: settings)
    return _fetching(patch)


KINDS = {
    "exact": lambda _: ExactStage,
    "scann": _brute_force,
    "scann, fetching": _fetching,
    "scann, codes": _of_codes,
}


def _saved(stage, folder) -> tf.types.experimental.ConcreteFunction:
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, D], tf.float32, name="queries"),
            *(tf.TensorSpec([None], tf.string, name=name) for name in COLUMNS),
        ]
    )
    def search(queries: tf.Tensor, *texts: tf.Tensor) -> dict[str, tf.Tensor]:
        admitted = stage._catalogue.filter(dict(zip(COLUMNS, texts)))
        rows, scores, found = stage(queries, admitted)
        return {"rows": rows, "scores": scores, "found": found}

    tf.saved_model.save(stage, str(folder), search, SCANN_SAVE_OPTIONS)
    loaded = tf.saved_model.load(str(folder))
    signature = loaded.signatures["serving_default"]
    signature.module = loaded
    return signature


def _passing(texts: dict[str, str]) -> np.ndarray:
    passing = np.ones(N, bool)
    for name, text in texts.items():
        if text:
            passing &= COLUMNS[name] == text.replace("\\", "")
    return passing


# One for each of the six queries: none, rare ones, one with a bar, and none that passes.
BATCHES = {
    "mixed": [
        {},
        {"gender": "Rare"},
        {"gender": "Men", "colour": r"S\|M"},
        {"colour": "Red"},
        {"gender": "Rare", "usage": "scarce"},
        {"gender": "Nobody"},
    ],
    "few": [{"gender": "Rare"}] * 6,
    "many": [{"gender": "Men"}] * 3 + [{"usage": "common"}] * 3,
    "scarce": [{"usage": "scarce"}, {"colour": "Red"}] * 3,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_filtered_batch_has_the_k_best_that_pass(
    kind, catalogue, tmp_path, monkeypatch
) -> None:
    stage = KINDS[kind](monkeypatch)(ServedCatalogue(catalogue), K)
    search, exact = _saved(stage, tmp_path), ExactIndex(EMBEDDINGS)
    for batch in BATCHES.values():
        answer = _answer(search, batch)
        for row, texts in enumerate(batch):
            wanted = exact.search(QUERIES[row : row + 1], K, _passing(texts))
            count = np.count_nonzero(wanted.positions[0] >= 0)
            assert answer["found"][row].tolist() == [True] * count + [False] * (K - count)
            np.testing.assert_array_equal(
                answer["rows"][row, :count], wanted.positions[0, :count]
            )
            np.testing.assert_allclose(
                answer["scores"][row, :count], wanted.scores[0, :count], atol=1e-6
            )


def test_what_few_leaves_do_not_reach_is_searched_exactly(
    catalogue, tmp_path, monkeypatch
) -> None:
    stage = _of_leaves(monkeypatch)(ServedCatalogue(catalogue), K)
    search = _saved(stage, tmp_path)
    for batch in BATCHES.values():
        answer = _answer(search, batch)
        for row, texts in enumerate(batch):
            found, passing = answer["found"][row], _passing(texts)
            assert found.sum() == min(K, passing.sum())
            rows = answer["rows"][row][found]
            assert passing[rows].all() and len(set(rows)) == len(rows)


def _answer(search, batch: list[dict[str, str]]) -> dict[str, np.ndarray]:
    texts = {name: tf.constant([one.get(name, "") for one in batch]) for name in COLUMNS}
    answer = search(queries=tf.constant(QUERIES), **texts)
    return {name: value.numpy() for name, value in answer.items()}
