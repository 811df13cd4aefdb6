"""Exact search against a full argsort, and the contract every index shares."""

import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.retrieval import exact_index
from fitrank_tf.retrieval.exact_index import ExactIndex


def unit_vectors(rng: np.random.Generator, count: int, dims: int) -> np.ndarray:
    """Random float32 [count, dims] rows of length 1."""
    vectors = rng.normal(size=(count, dims))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def full_sort(embeddings: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """Positions [Q, k] by a stable sort of all scores in float64."""
    scores = queries.astype(np.float64) @ embeddings.astype(np.float64).T
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("scores_at_once", [1, 1000, 2**25])
@pytest.mark.parametrize(("num_items", "k"), [(1, 1), (7, 7), (500, 1), (500, 100)])
def test_equals_a_full_sort(monkeypatch, num_items, k, scores_at_once):
    monkeypatch.setattr(exact_index, "_SCORES_AT_ONCE", scores_at_once)
    rng = np.random.default_rng(num_items)
    embeddings, queries = unit_vectors(rng, num_items, 24), unit_vectors(rng, 9, 24)
    found = ExactIndex(embeddings).search(queries, k)
    np.testing.assert_array_equal(found.positions, full_sort(embeddings, queries, k))
    expected = np.take_along_axis(queries @ embeddings.T, found.positions, axis=1)
    np.testing.assert_allclose(found.scores, expected, atol=1e-6)
    assert found.positions.dtype == np.int32 and found.scores.dtype == np.float32


def test_equal_items_come_by_position_for_any_batch_size():
    # 1003 copies of one photo: a float32 matrix product gives them two scores.
    rng = np.random.default_rng(0)
    embeddings = np.repeat(unit_vectors(rng, 1, 64), 1003, axis=0)
    queries = unit_vectors(rng, 37, 64)
    index = ExactIndex(embeddings)
    found = index.search(queries, k=5)
    np.testing.assert_array_equal(found.positions, np.tile(np.arange(5), (37, 1)))
    for row in (0, 36):
        alone = index.search(queries[row : row + 1], k=5)
        np.testing.assert_array_equal(alone.scores[0], found.scores[row])


@pytest.mark.parametrize("k", [10, 300])
def test_many_ties_of_many_scores(k):
    # Values of -1, 0 and 1 give a few whole scores, each shared by many items.
    rng = np.random.default_rng(1)
    embeddings = rng.integers(-1, 2, size=(2000, 6)).astype(np.float32)
    queries = rng.integers(-1, 2, size=(5, 6)).astype(np.float32)
    found = ExactIndex(embeddings).search(queries, k)
    np.testing.assert_array_equal(found.positions, full_sort(embeddings, queries, k))


def test_a_tie_for_the_last_place_goes_to_the_lower_position():
    embeddings = np.array([[0, 1], [1, 0], [0, 1], [1, 0], [1, 0]], np.float32)
    found = ExactIndex(embeddings).search(np.array([[1, 0]], np.float32), k=2)
    assert found.positions.tolist() == [[1, 3]]


def test_pads_when_k_exceeds_the_catalogue():
    found = ExactIndex(np.eye(2, dtype=np.float32)).search(np.eye(2, dtype=np.float32), 4)
    assert found.positions.tolist() == [[0, 1, -1, -1], [1, 0, -1, -1]]
    assert found.scores.tolist() == [[1, 0, -np.inf, -np.inf]] * 2


def test_no_queries_give_no_rows():
    found = ExactIndex(np.eye(3, dtype=np.float32)).search(np.zeros((0, 3), np.float32), 2)
    assert found.positions.shape == found.scores.shape == (0, 2)


def test_an_empty_catalogue_is_the_users_to_mend():
    with pytest.raises(FitRankError, match="catalogue is empty"):
        ExactIndex(np.zeros((0, 8), np.float32))


def with_value(value: float) -> np.ndarray:
    """The 3 x 3 identity with one value replaced in row 1."""
    matrix = np.eye(3, dtype=np.float32)
    matrix[1, 2] = value
    return matrix


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros(3, np.float32), r"shape \[rows, D\], got \(3,\)"),
        (np.zeros((3, 0), np.float32), r"got \(3, 0\)"),
        (np.eye(3), "float32, got float64"),
        (with_value(np.nan), "row 1 of .* holds NaN"),
        (with_value(np.inf), "row 1 of .* holds NaN or infinity"),
    ],
)
def test_refuses_bad_arrays_on_both_sides(matrix, message):
    with pytest.raises(ValueError, match=message):
        ExactIndex(matrix)
    with pytest.raises(ValueError, match=message):
        ExactIndex(np.eye(3, dtype=np.float32)).search(matrix, 1)


@pytest.mark.parametrize(
    ("dims", "k", "message"), [(2, 1, "2 dimensions"), (3, 0, "got 0")]
)
def test_refuses_queries_that_do_not_fit(dims, k, message):
    index = ExactIndex(np.eye(3, dtype=np.float32))
    with pytest.raises(ValueError, match=message):
        index.search(np.ones((1, dims), np.float32), k)


def test_describes_itself():
    index = ExactIndex(np.eye(3, dtype=np.float32))
    assert index.is_exact and index.num_items == 3
    assert index.describe() == "exact search of 3 items"
