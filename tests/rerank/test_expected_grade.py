"""Expected grades, against the sum over all outcomes of the queried facets."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.rerank.expected_grade import ExpectedGrade

FACETS = ("gender", "colour", "article_type", "season")


def _by_cases(chance: np.ndarray, query_facets: np.ndarray) -> float:
    """Mean of the judgment rule over all outcomes of the queried facets."""
    named = np.flatnonzero(query_facets)
    if not len(named):
        return 0.0
    total = 0.0
    for outcome in itertools.product((0, 1), repeat=len(named)):
        shares = dict(zip(named, outcome))
        if not shares.get(FACETS.index("article_type"), 1):
            continue
        shared = sum(outcome)
        grade = 4 if shared == len(named) else 3 * shared // len(named)
        likely = [chance[f] if has else 1 - chance[f] for f, has in shares.items()]
        total += grade * np.prod(likely)
    return total


@pytest.mark.parametrize("query_facets", list(itertools.product((0, 1), repeat=4)))
def test_is_the_mean_over_all_cases(query_facets: tuple[int, ...]) -> None:
    chance = np.random.default_rng(0).random((2, 5, 4)).astype("float32")
    asks = np.broadcast_to(np.array(query_facets, bool), (2, 1, 4))
    grades = ExpectedGrade(FACETS, "article_type")(chance, asks).numpy()
    expected = [[_by_cases(one, np.array(query_facets)) for one in row] for row in chance]
    np.testing.assert_allclose(grades, expected, atol=1e-5)


def test_steps_add_up_to_what_a_candidate_is_above_mean_chances() -> None:
    draw = np.random.default_rng(1)
    chance = draw.random((3, 6, 4)).astype("float32")
    asks = np.array([[[1, 1, 1, 0]], [[0, 1, 0, 0]], [[0, 0, 0, 0]]], bool)
    mask = np.arange(6) < np.array([[6], [4], [5]])
    expect = ExpectedGrade(FACETS, "article_type")
    steps = expect.steps(chance, asks, mask).numpy()
    for row, inside in enumerate(mask):
        mean = chance[row, inside].mean(axis=0)
        base = _by_cases(mean, asks[row, 0])
        above = expect(chance, asks).numpy()[row, inside] - base
        np.testing.assert_allclose(steps[row, inside].sum(axis=-1), above, atol=1e-5)
        assert not steps[row][:, ~asks[row, 0]].any()


def test_a_catalogue_without_kinds_counts_shared_facets() -> None:
    expect = ExpectedGrade(("colour", "season"), "article_type")
    grade = expect(np.array([[[0.5, 0.25]]], "float32"), np.ones((1, 1, 2), bool))
    # Both 4, one of two floor(3 / 2).
    np.testing.assert_allclose(grade, [[4 * 0.125 + 1 * (0.5 * 0.75 + 0.5 * 0.25)]])


def test_without_facets_every_grade_is_0() -> None:
    expect = ExpectedGrade((), "")
    chance, asks = tf.zeros([2, 3, 0]), tf.zeros([2, 1, 0], tf.bool)
    np.testing.assert_array_equal(expect(chance, asks), np.zeros((2, 3)))
    assert expect.steps(chance, asks, tf.ones([2, 3], tf.bool)).shape == (2, 3, 0)


def test_without_a_decisive_facet_all_count_alike() -> None:
    chance = tf.constant([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]])
    asks = tf.ones([1, 1, 2], tf.bool)
    grades = ExpectedGrade(("article_type", "colour"), "")(chance, asks).numpy()
    np.testing.assert_allclose(grades, [[1, 1, 4, 0]])
