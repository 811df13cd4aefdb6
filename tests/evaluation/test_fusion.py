"""Reciprocal rank fusion against its formula."""

from fractions import Fraction

import numpy as np
import pytest

from fitrank_tf.evaluation.fusion import reciprocal_rank_fusion


@pytest.mark.parametrize("k", [0, 60])
def test_scores_are_the_sums_of_reciprocal_ranks(k: int) -> None:
    draw = np.random.default_rng(k)
    items = [f"p{number}" for number in range(12)]
    runs = {
        system: {
            query: [(item, draw.normal()) for item in draw.permutation(items)[:length]]
            for query, length in (("q1", 12), ("q2", 5))
        }
        for system in ("clip", "bm25", "reranked")
    }
    fused = reciprocal_rank_fusion(runs, k)
    assert list(fused) == ["q1", "q2"]
    for query, ranking in fused.items():
        expected = dict.fromkeys(items, Fraction(0))
        for run in runs.values():
            for place, (item, _) in enumerate(run[query]):
                expected[item] += Fraction(1, k + 1 + place)
        ranked = {item: float(score) for item, score in expected.items() if score}
        assert dict(ranking) == pytest.approx(ranked, rel=1e-12)
        scores = [score for _, score in ranking]
        assert scores == sorted(scores, reverse=True)


def test_a_product_of_two_systems_is_ahead_of_the_first_of_one() -> None:
    runs = {
        "bm25": {"q": [("a", 9.0), ("b", 8.0)]},
        "clip": {"q": [("c", 0.9), ("b", 0.8)], "only": [("a", 0.1)]},
    }
    fused = reciprocal_rank_fusion(runs)
    assert [item for item, _ in fused["q"]] == ["b", "a", "c"]
    assert fused["q"][0][1] == pytest.approx(2 / 62)
    assert fused["only"] == [("a", pytest.approx(1 / 61))]


def test_nothing_to_fuse() -> None:
    assert reciprocal_rank_fusion({}) == {}
    assert reciprocal_rank_fusion({"bm25": {"q": []}}) == {"q": []}
