"""Candidate lists: what was retrieved, its grades, and what teaches an order."""

import numpy as np

from fitrank_tf.queries.judgments import Judge
from fitrank_tf.queries.query_sets import FACET, Query
from fitrank_tf.rerank.candidates import (
    retrieve,
    with_labels,
    with_positives,
    worth_learning,
)
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


def test_lists_of_one_grade_teach_nothing(records) -> None:
    lists = with_labels(_lists(8), [SHIRT, SHOES, NOTHING], Judge(records))
    np.testing.assert_array_equal(worth_learning(lists.labels), [0, 1])
    assert len(worth_learning(np.zeros((0, 8), np.float32))) == 0


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
