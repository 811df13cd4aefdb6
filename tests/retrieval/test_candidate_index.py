"""What every index gets from the interface, whatever its shortlists are."""

import numpy as np

from fitrank_tf.retrieval.candidate_index import CandidateIndex


class Unordered(CandidateIndex):
    """Looks at items 3, 1 and 2 of four, in that order."""

    is_exact = False

    def describe(self) -> str:
        return "unordered"

    def _shortlists(self, queries, k):
        return [np.array([3, 1, 2])] * len(queries)


def test_ranks_a_shortlist_in_any_order_cuts_and_pads_it():
    embeddings = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    index, query = Unordered(embeddings), np.array([[0, 1]], np.float32)
    # Item 0 is not looked at; 1 and 3 tie and come by position.
    assert index.search(query, 2).positions.tolist() == [[1, 3]]
    found = index.search(query, 5)
    assert found.positions.tolist() == [[1, 3, 2, -1, -1]]
    assert found.scores.tolist() == [[1, 1, 0, -np.inf, -np.inf]]
