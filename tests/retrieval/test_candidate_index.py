"""Scores and order that every index inherits, whatever its shortlists."""

import numpy as np
import pytest

from fitrank_tf.retrieval.candidate_index import CandidateIndex, Shortlists, rank_shortlists


class Unordered(CandidateIndex):
    """Looks at items 3, 1 and 2 of four, in that order."""

    is_exact = False

    def describe(self) -> str:
        return "unordered"

    def _shortlists(self, queries, k):
        places = np.tile([3, 1, 2], (len(queries), 1))
        return [Shortlists.where(places > 0, places)]

    def _search_passing(self, queries, k, passing):
        raise NotImplementedError


def test_ranks_a_shortlist_in_any_order_cuts_and_pads_it():
    embeddings = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    index, query = Unordered(embeddings), np.array([[0, 1]], np.float32)
    # Item 0 is not in the shortlist; 1 and 3 tie and are ordered by position.
    assert index.search(query, 2).positions.tolist() == [[1, 3]]
    found = index.search(query, 5)
    assert found.positions.tolist() == [[1, 3, 2, -1, -1]]
    assert found.scores.tolist() == [[1, 1, 0, -np.inf, -np.inf]]


@pytest.mark.parametrize("k", [1, 7, 50, 200])
def test_ranks_shortlists_of_any_lengths_as_a_stable_sort(k):
    # Whole numbers, so that many scores are equal and all are exact.
    rng = np.random.default_rng(k)
    embeddings = rng.integers(-2, 3, size=(90, 5)).astype(np.float32)
    queries = rng.integers(-2, 3, size=(4, 5)).astype(np.float32)
    lists = [rng.permutation(90)[:count] for count in (0, 90, 13, 60)]
    # Two of the lists at a time.
    shortlists = [
        Shortlists(np.concatenate(two), np.cumsum([len(one) for one in two]))
        for two in (lists[:2], lists[2:])
    ]
    found = rank_shortlists(embeddings, queries, shortlists, k)
    for query, items, row, row_scores in zip(queries, lists, found.positions, found.scores):
        items = np.sort(items)
        best = items[np.argsort(-(embeddings[items] @ query), kind="stable")][:k]
        np.testing.assert_array_equal(row[: len(best)], best)
        np.testing.assert_array_equal(row_scores[: len(best)], embeddings[best] @ query)
        assert (row[len(best) :] == -1).all() and np.isneginf(row_scores[len(best) :]).all()
