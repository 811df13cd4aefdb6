"""Baselines of the re-ranker: their nDCG is pytrec_eval's, and they learn an order."""

import numpy as np
import pytest

from fitrank_tf.evaluation.metrics import evaluate_queries
from fitrank_tf.queries.grades import GAINS
from fitrank_tf.rerank.baselines import LambdaMart, LinearBlend, ndcg_at_10

Q, L, K = 120, 20, 4


def _lists(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grades follow column 1, less so column 2; the others are noise."""
    draw = np.random.default_rng(seed)
    features = draw.normal(size=(Q, L, K)).astype("float32")
    worth = 2.0 * features[..., 1] - features[..., 2] + 0.3 * draw.normal(size=(Q, L))
    labels = np.clip(np.floor(worth + 1.0), 0, 4).astype("float32")
    labels[::7, L - 5 :] = -1
    return features, labels


def test_ndcg_is_that_of_pytrec_eval() -> None:
    features, labels = _lists(0)
    scores = features[..., 0]
    runs, qrels = {}, {}
    for row in range(Q):
        real = np.flatnonzero(labels[row] >= 0)
        best_first = real[np.argsort(-scores[row, real], kind="stable")]
        runs[str(row)] = [(str(i), float(scores[row, i])) for i in best_first]
        # The measure's gains are linear: it is given gains for grades.
        qrels[str(row)] = {str(i): int(GAINS[int(labels[row, i])]) for i in real}
    values = evaluate_queries(runs, qrels, binary_grade=1)
    expected = [values[str(row)]["nDCG@10"] for row in range(Q)]
    np.testing.assert_allclose(ndcg_at_10(scores, labels), expected, atol=1e-6)


def test_a_blend_finds_the_columns_that_matter() -> None:
    features, labels = _lists(0)
    blend = LinearBlend({0: 1.0, 1: 1.0, 2: -1.0})
    before = ndcg_at_10(blend.score(features), labels).mean()
    blend.fit(features, labels, seed=0)
    others, other_labels = _lists(1)
    assert ndcg_at_10(blend.score(features), labels).mean() > before + 0.02
    assert ndcg_at_10(blend.score(others), other_labels).mean() > before + 0.02
    weights = blend.weights
    assert abs(weights[0]) < 0.3 * weights[1]
    assert 1.2 < weights[1] / -weights[2] < 4.0


def test_trees_learn_the_order_too() -> None:
    pytest.importorskip("lightgbm", reason="lightgbm of the bench extra is missing")
    features, labels = _lists(0)
    trees = LambdaMart(seed=0)
    trees.fit(features, labels, _lists(2))
    others, other_labels = _lists(1)
    learned = ndcg_at_10(trees.score(others), other_labels).mean()
    assert learned > ndcg_at_10(others[..., 0], other_labels).mean() + 0.2
