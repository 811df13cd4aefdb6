"""Explanations of hand-made parts."""

import numpy as np
import pytest

from fitrank_tf.rerank.explanations import explanations, score_contributions

FACETS = ("colour", "article_type")


@pytest.mark.parametrize(
    ("contributions", "text"),
    [
        ([-0.31, 1.2, 0.0, 0.0], "colour +1.20, similarity -0.31"),
        ([0.1, -0.4, 0.3, 0.2], "colour -0.40, article_type +0.30, photo +0.20"),
        # Of equals the first, whichever way they speak.
        ([0.5, -0.5, 0.5, 0.5], "similarity +0.50, colour -0.50, article_type +0.50"),
        # 0.005 is the least that is said.
        ([0.005, 0.0, -0.0049, 1.0], "photo +1.00, similarity +0.01"),
        ([0.0, -0.005, 0.0, 0.0], "colour -0.01"),
        ([0.0, 0.0, 0.0049, 0.0], ""),
    ],
)
def test_the_strongest_parts_are_named_first(contributions, text: str) -> None:
    assert explanations(np.array(contributions), FACETS) == text


def test_parts_are_similarity_facets_and_photo() -> None:
    assert score_contributions(FACETS) == ("similarity", "colour", "article_type", "photo")
    assert score_contributions(()) == ("similarity", "photo")
