"""Lists of judged queries: which candidates they have, and what their labels say."""

import dataclasses

import numpy as np
import pytest

from fitrank_tf.config import JudgmentsConfig
from fitrank_tf.queries.judged import JudgedQuery
from fitrank_tf.rerank.candidates import CandidateLists
from fitrank_tf.rerank.judged_candidates import labels_and_weights, with_graded_products
from fitrank_tf.rerank.model import _gain
from fitrank_tf.retrieval.candidate_index import Candidates

ROWS = {item: row for row, item in enumerate("abcdefgh")}


def _query(products: str, grades: list[float], weights: list[float]) -> JudgedQuery:
    return JudgedQuery("q", tuple(products), np.float32(grades), np.float32(weights))


def test_graded_products_replace_the_last_candidates_without_a_grade() -> None:
    embeddings = np.linspace(0.1, 0.8, 8, dtype=np.float32)[:, np.newaxis]
    positions = np.array([[7, 6, 5, 4], [7, 6, 5, -1]], np.int32)
    queries = np.array([[1.0], [2.0]], np.float32)
    scores = queries @ embeddings[:, 0][np.newaxis].clip(0)
    lists = CandidateLists(
        queries, Candidates(positions, np.take_along_axis(scores, positions, axis=1))
    )
    found = with_graded_products(
        lists,
        # Of "a" to "d" there is room for those of the best grades.
        [_query("eabcd", [1, 0, 3, 2, 1], [1] * 5), _query("g", [1], [1])],
        ROWS,
        embeddings,
    )
    assert found.candidates.positions.tolist() == [[3, 2, 1, 4], [7, 6, 5, -1]]
    expected = np.take_along_axis(scores, found.candidates.positions, axis=1)
    np.testing.assert_allclose(found.candidates.scores, expected, rtol=1e-6)
    assert lists.candidates.positions[0].tolist() == [7, 6, 5, 4]


@pytest.mark.parametrize(
    ("config", "gains"),
    [
        (JudgmentsConfig(), [[3, 1.5, 0, None], [1, None, None, None]]),
        (JudgmentsConfig(ungraded="irrelevant"), [[3, 1.5, 0, 0], [1, 0, 0, None]]),
        (JudgmentsConfig(gains=(0, 1, 3, 9)), [[9, 2, 0, None], [1, None, None, None]]),
        (JudgmentsConfig(gains=(1, 2)), [[2, 2, 1, None], [2, None, None, None]]),
    ],
)
def test_gains_are_to_each_other_as_configured(config: JudgmentsConfig, gains) -> None:
    positions = np.array([[0, 1, 2, 3], [4, 5, 6, -1]], np.int32)
    queries = [_query("abc", [3, 1.5, 0], [1] * 3), _query("eh", [1, 3], [1] * 2)]
    labels, _ = labels_and_weights(positions, queries, ROWS, config)
    known = np.array([[gain is not None for gain in row] for row in gains])
    np.testing.assert_array_equal(labels >= 0, known)
    expected = np.array([gain for row in gains for gain in row if gain is not None])
    found = _gain(labels).numpy()[known]
    np.testing.assert_allclose(found / found[0], expected / expected[0], rtol=1e-5)


def test_weights_keep_their_ratios_and_mean_one_where_there_is_a_gain() -> None:
    positions = np.array([[0, 1, 2, -1], [4, 5, -1, -1]], np.int32)
    queries = [_query("abc", [1, 0, 1], [2, 4, 6]), _query("ef", [1, 0], [1, 1])]
    queries[1] = dataclasses.replace(queries[1], weight=2.0)
    labels, weights = labels_and_weights(positions, queries, ROWS, JudgmentsConfig())
    assert weights[labels > 0].mean() == pytest.approx(1.0)
    np.testing.assert_allclose(weights[0, :3] / weights[0, 0], [1, 2, 3])
    assert weights[1, 0] == pytest.approx(weights[0, 0])
