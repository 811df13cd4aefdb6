"""Candidate lists: what was retrieved, its grades, and what teaches an order."""

import numpy as np
import pytest

from fitrank_tf.queries.judgments import Judge
from fitrank_tf.queries.query_sets import FACET, Query
from fitrank_tf.rerank.candidates import (
    CandidateLists,
    informative_lists,
    list_arrays,
    retrieve,
    with_labels,
    with_positives,
)
from fitrank_tf.retrieval.candidate_index import Candidates
from fitrank_tf.retrieval.exact_index import ExactIndex

# One direction a product; a query is the product it comes from.
EMBEDDINGS = np.eye(6, dtype=np.float32)
SHIRT = Query("q0", "red shirt", FACET, (("article_type", "Shirts"), ("colour", "Red")))
SHOES = Query("q1", "red shoes", FACET, (("article_type", "Casual Shoes"),))
NOTHING = Query("q2", "a thing", "given")


def _lists(size: int):
    queries = np.array([[0, 0, 0, 0.8, 0.6, 0], [0.6, 0, 0, 0, 0.8, 0], [0, 1, 0, 0, 0, 0]])
    return retrieve(ExactIndex(EMBEDDINGS), queries.astype(np.float32), size)


def test_lists_are_the_top_of_the_index_and_nothing_is_added() -> None:
    positions = _lists(2).candidates.positions
    assert positions[0].tolist() == [3, 4]
    assert positions[1].tolist() == [4, 0]


def test_labels_are_the_grades_of_the_judge_and_padding_is_minus_1(records) -> None:
    lists = with_labels(_lists(8), [SHIRT, SHOES, NOTHING], Judge(records))
    for row, query in enumerate([SHIRT, SHOES, NOTHING]):
        positions = lists.candidates.positions[row]
        assert positions[6:].tolist() == [-1, -1]
        grades = Judge(records).grades(query)
        np.testing.assert_array_equal(lists.labels[row, :6], grades[positions[:6]])
        assert lists.labels[row, 6:].tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("labels", "rows"),
    [
        ([[4, 1, 0], [2, 2, 2], [0, 0, 1]], [0, 2]),
        # Padding is no grade: not below 0, and not beside it.
        ([[1, -1, -1], [0, 0, -1], [3, 4, -1], [-1, -1, -1]], [2]),
    ],
)
def test_lists_of_one_grade_are_not_trained_on(labels, rows: list[int]) -> None:
    assert informative_lists(np.array(labels, np.float32)).tolist() == rows


def test_no_lists_teach_nothing() -> None:
    assert informative_lists(np.zeros((0, 8), np.float32)).tolist() == []


def test_lists_to_be_scored_only_have_grades_of_zero(records) -> None:
    lists, query_facets = _lists(8), np.eye(3, 4, dtype=np.float32)
    arrays = list_arrays(lists, query_facets)
    assert arrays.queries is lists.query_embeddings
    assert arrays.query_facets is query_facets
    assert arrays.positions is lists.candidates.positions
    assert arrays.scores is lists.candidates.scores
    np.testing.assert_array_equal(arrays.labels, np.zeros((3, 8)))
    labelled = with_labels(lists, [SHIRT, SHOES, NOTHING], Judge(records))
    assert list_arrays(labelled, query_facets).labels is labelled.labels


@pytest.mark.parametrize(
    ("positions", "completed"),
    [
        ([3, 4], [3, 1]),
        ([3, -1], [1, -1]),
        ([3, 4, 5, -1, -1], [3, 4, 1, -1, -1]),
        ([3, 0, 4, -1], [3, 0, 4, -1]),
    ],
    ids=["full", "one candidate", "padded", "has an exact one"],
)
def test_the_last_real_candidate_is_replaced_and_padding_kept(
    records, positions: list[int], completed: list[int]
) -> None:
    """Red shirts are the products 0 to 2; the query is nearest to 1 of them."""
    embeddings = np.eye(6, dtype=np.float32)
    query = np.array([[0.3, 0.8, 0.2, 0.9, 0.0, 0.0]], np.float32)
    positions = np.array([positions], np.int32)
    scores = np.where(positions < 0, -np.inf, 0.5).astype(np.float32)
    judge = Judge(records)
    lists = CandidateLists(query, Candidates(positions, scores))
    lists = with_labels(lists, [SHIRT], judge)
    found = with_positives(lists, [SHIRT], judge, embeddings)
    assert found.candidates.positions.tolist() == [completed]
    changed = positions != found.candidates.positions
    expected = np.where(changed, np.float32(0.8), scores)
    np.testing.assert_array_equal(found.candidates.scores, expected)
    np.testing.assert_array_equal(found.labels, np.where(changed, 4, lists.labels))
    # What was handed in is as it was.
    assert lists.candidates.positions is positions
    assert scores.max() == 0.5 and lists.labels[0, 0] == 1


def test_only_a_list_without_an_exact_product_gets_one_in_its_last_place(records) -> None:
    """The one that the first stage scores highest, with its own score and label."""
    judge, queries = Judge(records), [SHIRT, SHOES, NOTHING]
    lists = with_labels(_lists(1), queries, judge)
    exact = [np.flatnonzero(judge.grades(query) == 4) for query in queries]
    completed = with_positives(lists, queries, judge, EMBEDDINGS)
    for row, wanted in enumerate(exact):
        before = lists.candidates.positions[row].tolist()
        after = completed.candidates.positions[row].tolist()
        if not len(wanted) or set(before) & set(wanted):
            assert after == before
            assert completed.labels[row].tolist() == lists.labels[row].tolist()
            continue
        cosines = EMBEDDINGS[wanted] @ lists.query_embeddings[row]
        assert after == [wanted[cosines.argmax()]]
        assert completed.candidates.scores[row].tolist() == [cosines.max()]
        assert completed.labels[row].tolist() == [4]
    rows = zip(lists.candidates.positions[:, 0], exact)
    missed = [len(wanted) > 0 and place not in wanted for place, wanted in rows]
    assert any(missed) and not all(missed)
