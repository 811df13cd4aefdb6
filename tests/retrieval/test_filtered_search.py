"""Filtered search of every index against the products that pass, sorted whole."""

import sys

import numpy as np
import pytest

from fitrank_tf.retrieval import scann_index
from fitrank_tf.retrieval.exact_index import ExactIndex
from fitrank_tf.retrieval.query_bank import BankedIndex
from fitrank_tf.retrieval.scann_index import ScannIndex, ScannSettings

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="scann exists for Linux only"
)

N, D, Q = 1400, 16, 7
# Of the items half are near the first axis; filters on it are no matter of chance.
DRAW = np.random.default_rng(0)
EMBEDDINGS = DRAW.normal(size=(N, D)).astype(np.float32)
EMBEDDINGS[::2, 0] += 2
EMBEDDINGS /= np.linalg.norm(EMBEDDINGS, axis=1, keepdims=True)
# Copies, so that there are ties.
EMBEDDINGS[100:130] = EMBEDDINGS[100]
QUERIES = EMBEDDINGS[DRAW.integers(N, size=Q)]


def _fetching(monkeypatch: pytest.MonkeyPatch) -> ScannIndex:
    """ScaNN that fetches and checks whenever it can, and re-scores what it fetches."""
    monkeypatch.setattr(scann_index, "EXACT_FACTOR", 0)
    return ScannIndex(EMBEDDINGS, ScannSettings(reorder=N))


def _of_few_leaves(monkeypatch: pytest.MonkeyPatch) -> ScannIndex:
    """ScaNN that reaches a fifth of the items, and takes the others from exact search."""
    monkeypatch.setattr(scann_index, "EXACT_FACTOR", 0)
    settings = ScannSettings(num_leaves=20, leaves_to_search=1, reorder=N)
    return ScannIndex(EMBEDDINGS, settings)


INDEXES = {
    "exact": lambda _: ExactIndex(EMBEDDINGS),
    "scann": lambda _: ScannIndex(EMBEDDINGS),
    "scann, fetching": _fetching,
    "query bank": lambda _: BankedIndex(EMBEDDINGS, QUERIES[:3], 20.0, ExactIndex),
}


def _filters(seed: int) -> list[np.ndarray]:
    """Random filters of all sizes, blind to the queries and not."""
    draw = np.random.default_rng(seed)
    blind = [draw.random(N) < share for share in (0.002, 0.05, 0.3, 0.9)]
    axis = EMBEDDINGS[:, draw.integers(D)]
    halves = [axis > np.quantile(axis, share) for share in (0.1, 0.7, 0.99)]
    few = np.zeros(N, bool)
    few[draw.integers(N, size=draw.integers(1, 6))] = True
    return [*blind, *halves, few, np.zeros(N, bool), np.ones(N, bool)]


@pytest.mark.parametrize("k", [1, 10, 100])
@pytest.mark.parametrize("name", INDEXES)
def test_random_filters_give_the_k_best_that_pass(name, k, monkeypatch) -> None:
    index = INDEXES[name](monkeypatch)
    everything = index.search(QUERIES, N)
    for passing in _filters(k):
        found = index.search(QUERIES, k, passing)
        count = min(k, np.count_nonzero(passing))
        for row in range(Q):
            order, scores = everything.positions[row], everything.scores[row]
            kept = passing[order]
            np.testing.assert_array_equal(found.positions[row, :count], order[kept][:k])
            np.testing.assert_array_equal(found.scores[row, :count], scores[kept][:k])
        assert (found.positions[:, count:] == -1).all()
        assert np.isneginf(found.scores[:, count:]).all()


@pytest.mark.parametrize("k", [1, 10, 100])
def test_what_an_approximate_index_does_not_reach_comes_from_exact_search(
    k, monkeypatch
) -> None:
    index, exact = _of_few_leaves(monkeypatch), ExactIndex(EMBEDDINGS)
    for passing in _filters(k):
        found = index.search(QUERIES, k, passing).positions
        whole = exact.search(QUERIES, k, passing).positions
        assert ((found >= 0) == (whole >= 0)).all()
        assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in found)
        assert passing[found[found >= 0]].all()


def test_five_of_1400_products_are_found() -> None:
    passing = np.zeros(N, bool)
    passing[[3, 99, 700, 1200, 1399]] = True
    found = ScannIndex(EMBEDDINGS).search(QUERIES, 100, passing).positions
    assert (np.sort(found[:, :5]) == [3, 99, 700, 1200, 1399]).all()
    assert (found[:, 5:] == -1).all()


@pytest.mark.parametrize(
    "passing", [np.ones(N), np.ones(N - 1, bool), np.ones((1, N), bool)]
)
def test_a_filter_that_is_none_of_the_items_is_refused(passing) -> None:
    with pytest.raises(ValueError, match=r"passing must be bool \[1400\]"):
        ExactIndex(EMBEDDINGS).search(QUERIES, 3, passing)


def test_no_queries_give_no_rows() -> None:
    for index in (ExactIndex(EMBEDDINGS), ScannIndex(EMBEDDINGS)):
        found = index.search(QUERIES[:0], 3, np.ones(N, bool))
        assert found.positions.shape == (0, 3)
