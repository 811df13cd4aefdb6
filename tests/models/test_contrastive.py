"""InfoNCE against a plain numpy loop."""

import math

import numpy as np
import pytest

from fitrank_tf.models.contrastive import info_nce, same_pairs


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("float32")


def _info_nce(
    image: np.ndarray, text: np.ndarray, scale: float, hidden: np.ndarray
) -> float:
    """The formula, one pair at a time."""
    total, count = 0.0, len(image)
    for i in range(count):
        kept = [j for j in range(count) if j == i or not hidden[i, j]]
        to_text = sum(math.exp(scale * float(image[i] @ text[j])) for j in kept)
        kept = [j for j in range(count) if j == i or not hidden[j, i]]
        to_image = sum(math.exp(scale * float(image[j] @ text[i])) for j in kept)
        own = scale * float(image[i] @ text[i])
        total += (math.log(to_text) - own + math.log(to_image) - own) / 2
    return total / count


@pytest.mark.parametrize("scale", [1.0, 10.0, 50.0])
@pytest.mark.parametrize("share_hidden", [0.0, 0.3, 1.0])
def test_info_nce_equals_the_formula(scale: float, share_hidden: float) -> None:
    generator = np.random.default_rng(3)
    image, text = (_unit(generator.normal(size=(6, 4))) for _ in range(2))
    drawn = generator.random((6, 6)) < share_hidden
    hidden = drawn | drawn.T
    loss = float(info_nce(image, text, math.log(scale), hidden))
    assert loss == pytest.approx(_info_nce(image, text, scale, hidden), rel=1e-4, abs=1e-5)


def test_scale_is_clipped_at_100() -> None:
    pair = _unit(np.array([[1.0, 0.0], [0.6, 0.8]]))
    at_limit = float(info_nce(pair, pair[::-1].copy(), math.log(100.0)))
    assert float(info_nce(pair, pair[::-1].copy(), 9.0)) == pytest.approx(at_limit)


def test_same_pairs_are_equal_titles_or_equal_texts() -> None:
    groups = np.array([0, 1, 0, 2], "int32")
    tokens = np.array([[1, 2], [3, 4], [5, 6], [3, 4]], "int32")
    same = np.asarray(same_pairs(groups, tokens))
    expected = np.eye(4, dtype=bool)
    expected[0, 2] = expected[2, 0] = True  # equal titles
    expected[1, 3] = expected[3, 1] = True  # equal texts
    np.testing.assert_array_equal(same, expected)
