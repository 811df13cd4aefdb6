"""Contributions in words, against the same written out in Python."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.rerank.explanations import explanations, score_contributions

FACETS = ("colour", "article_type", "gender")


def _written_out(contributions: np.ndarray, facets: tuple[str, ...]) -> str:
    names = score_contributions(facets)
    strongest = np.argsort(-np.abs(contributions), kind="stable")[:3]
    return ", ".join(
        f"{names[place]} {contributions[place]:+.2f}"
        for place in strongest
        if abs(contributions[place]) >= np.float32(0.005)
    )


@pytest.mark.parametrize("facets", [FACETS, FACETS[:1], ()])
@pytest.mark.parametrize("wrap", [lambda run: run, tf.function])
def test_the_strongest_come_first_and_the_weak_are_left_out(facets, wrap) -> None:
    draw = np.random.default_rng(0)
    shape = (40, 5, len(facets) + 2)
    sizes = np.float32(10.0) ** draw.integers(-3, 2, shape)
    contributions = (draw.normal(size=shape) * sizes).astype("float32")
    # Ties, what rounds, and what is just below the least.
    contributions[0, 0, :2] = (0.5, -0.5)
    contributions[1, 0, :2] = (0.005, 0.0049)
    contributions[2] = 0.0
    run = wrap(lambda values: explanations(values, facets))
    texts = run(tf.constant(contributions)).numpy()
    assert texts.shape == shape[:2]
    for text, one in zip(texts.ravel(), contributions.reshape(-1, shape[-1])):
        assert text.decode() == _written_out(one, facets)


def test_one_candidate_is_told_by_itself() -> None:
    text = explanations(np.array([-0.31, 1.2, 0.001], np.float32), ["colour"])
    assert text.numpy() == b"colour +1.20, similarity -0.31"
