"""Contributions in words: some by hand, many against the same written out in Python."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.rerank.explanations import explanations, score_contributions

FACETS = ("colour", "article_type")


@pytest.mark.parametrize(
    ("contributions", "text"),
    [
        ([-0.31, 1.2, 0.0, 0.0], "colour +1.20, similarity -0.31"),
        ([0.1, -0.4, 0.3, 0.2], "colour -0.40, article_type +0.30, photo +0.20"),
        # Of equals the first, whichever way they speak.
        ([0.5, -0.5, 0.5, 0.5], "similarity +0.50, colour -0.50, article_type +0.50"),
        # 0.005 is the least that is mentioned.
        ([0.005, 0.0, -0.0049, 1.0], "photo +1.00, similarity +0.01"),
        ([0.0, -0.005, 0.0, 0.0], "colour -0.01"),
        ([0.0, 0.0, 0.0049, 0.0], ""),
    ],
)
def test_the_strongest_are_named_first(contributions, text: str) -> None:
    assert (
        explanations(np.array(contributions), score_contributions(FACETS)).numpy().decode()
        == text
    )


def test_contributions_are_similarity_facets_and_photo() -> None:
    assert score_contributions(FACETS) == ("similarity", "colour", "article_type", "photo")
    assert score_contributions(()) == ("similarity", "photo")


def _written_out(contributions: np.ndarray, facets: tuple[str, ...]) -> str:
    names = score_contributions(facets)
    strongest = np.argsort(-np.abs(contributions), kind="stable")[:3]
    return ", ".join(
        f"{names[place]} {contributions[place]:+.2f}"
        for place in strongest
        if abs(contributions[place]) >= np.float32(0.005)
    )


@pytest.mark.parametrize("facets", [(*FACETS, "gender"), FACETS[:1], ()])
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
    run = wrap(lambda values: explanations(values, score_contributions(facets)))
    texts = run(tf.constant(contributions)).numpy()
    assert texts.shape == shape[:2]
    for text, one in zip(texts.ravel(), contributions.reshape(-1, shape[-1])):
        assert text.decode() == _written_out(one, facets)
