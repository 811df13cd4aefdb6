"""Contrastive losses against plain numpy loops."""

import math

import numpy as np
import pytest

from fitrank_tf.towers.training.losses import (
    info_nce,
    matching_pairs,
    same_pairs,
    sigmoid_loss,
)
from tests.towers.training.contrastive_formula import info_nce_formula, unit


@pytest.mark.parametrize("scale", [1.0, 10.0, 50.0])
@pytest.mark.parametrize("share_hidden", [0.0, 0.3, 1.0])
def test_info_nce_equals_the_formula(scale: float, share_hidden: float) -> None:
    generator = np.random.default_rng(3)
    image, text = (unit(generator.normal(size=(6, 4))) for _ in range(2))
    # What a photo's product lacks need not be lacked the other way round.
    hidden = generator.random((6, 6)) < share_hidden
    loss = float(info_nce(image, text, math.log(scale), hidden))
    assert loss == pytest.approx(
        info_nce_formula(image, text, scale, hidden), rel=1e-4, abs=1e-5
    )


def test_scale_is_clipped_at_100() -> None:
    pair = unit(np.array([[1.0, 0.0], [0.6, 0.8]]))
    other = pair[::-1].copy()
    below, at_limit, above = (
        float(info_nce(pair, other, math.log(scale))) for scale in (99.0, 100.0, 8000.0)
    )
    assert above == pytest.approx(at_limit)
    # Pairs of the least likeness: the more it counts, the greater the loss.
    assert below < 0.995 * at_limit


def test_same_pairs_are_equal_titles_or_equal_texts() -> None:
    groups = np.array([0, 1, 0, 2], "int32")
    tokens = np.array([[1, 2], [3, 4], [5, 6], [3, 4]], "int32")
    same = np.asarray(same_pairs(groups, tokens))
    expected = np.eye(4, dtype=bool)
    expected[0, 2] = expected[2, 0] = True  # equal titles
    expected[1, 3] = expected[3, 1] = True  # equal texts
    np.testing.assert_array_equal(same, expected)


# Facets: colour, kind. Products: red shirt, red shoe, blue shirt, red something.
HAS = np.array([[1, 1], [1, 2], [2, 1], [1, 0]], "int32")


@pytest.mark.parametrize(
    ("asked", "fitting"),
    [
        ([1, 0], [True, True, False, True]),
        ([0, 1], [True, False, True, False]),
        ([1, 1], [True, False, False, False]),
        ([2, 2], [False, False, False, False]),
        ([0, 0], [False, False, False, False]),
    ],
    ids=["red", "shirt", "red shirt", "blue shoe", "a title"],
)
def test_products_with_all_facets_of_the_text_match(asked, fitting) -> None:
    text_codes = np.array([[0, 0], asked, [9, 9], [0, 0]], "int32")
    fits = np.asarray(matching_pairs(HAS, text_codes))
    np.testing.assert_array_equal(fits[:, 1], fitting)
    assert not fits[:, [0, 2, 3]].any()


@pytest.mark.parametrize("scale", [1.0, 10.0])
@pytest.mark.parametrize("share_left_out", [0.0, 0.4])
def test_sigmoid_loss_equals_the_formula(scale: float, share_left_out: float) -> None:
    generator = np.random.default_rng(4)
    image, text = (unit(generator.normal(size=(5, 4))) for _ in range(2))
    left_out = generator.random((5, 5)) < share_left_out
    bias, total = -3.0, 0.0
    for i in range(5):
        for j in range(5):
            if i != j and left_out[i, j]:
                continue
            logit = scale * float(image[i] @ text[j]) + bias
            total += math.log(1 + math.exp(-logit if i == j else logit))
    loss = float(sigmoid_loss(image, text, math.log(scale), bias, left_out))
    assert loss == pytest.approx(total / 5, rel=1e-4)
