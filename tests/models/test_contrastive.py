"""InfoNCE against a plain numpy loop."""

import math

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.config import ContrastiveConfig
from fitrank_tf.models.contrastive import (
    ContrastiveModel,
    fitting_pairs,
    info_nce,
    same_pairs,
    train_contrastive,
)


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
def test_products_that_have_all_that_is_asked_for_fit(asked, fitting) -> None:
    asks = np.array([[0, 0], asked, [9, 9], [0, 0]], "int32")
    fits = np.asarray(fitting_pairs(HAS, asks))
    np.testing.assert_array_equal(fits[:, 1], fitting)
    assert not fits[:, [0, 2, 3]].any()


def _batch(count: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        "images": generator.uniform(0, 255, (count, 32, 32, 3)).astype("float32"),
        "token_ids": generator.integers(1, 500, (count, 10)).astype("int32"),
        "groups": np.arange(count, dtype="int32"),
        "has": np.arange(count, dtype="int32")[:, None],
        "asks": np.zeros((count, 1), "int32"),
    }


def _config(**fields) -> ContrastiveConfig:
    return ContrastiveConfig(**{"epochs": 4, "batch_size": 4, **fields})


def test_a_fitting_pair_is_no_negative(towers) -> None:
    """The loss is that of the formula with the pair taken out."""
    model = ContrastiveModel(towers, None, _config(), seed=0)
    batch = _batch(4)
    batch["has"][:] = [[1], [1], [2], [3]]
    batch["asks"][0] = 1
    seen = model(batch)
    hidden = np.eye(4, dtype=bool)
    hidden[1, 0] = True  # product 1 is as red as the text of product 0 asks for
    expected = _info_nce(
        np.asarray(seen["image"]), np.asarray(seen["text"]), 1 / 0.07, hidden
    )
    loss = float(model.compute_loss(x=batch, y_pred=seen))
    assert loss == pytest.approx(expected, rel=1e-4)


def test_the_last_epochs_see_whole_photos(towers, tmp_path) -> None:
    config = _config(patch_dropout=0.5, whole_share=0.25)
    model = ContrastiveModel(towers, None, config, seed=0)
    traced = []
    encode = model._encode_images
    model._encode_images = lambda images, training: (
        traced.append(model.patch_dropout) or encode(images, training)
    )
    batches = tf.data.Dataset.from_tensors(_batch(4)).repeat(2)
    history = train_contrastive(model, batches, 2, config, tmp_path / "backup", verbose=0)
    # Traced once with the dropout, and once more without.
    assert sorted(set(traced)) == [0.0, 0.5]
    assert model.patch_dropout == 0.0
    assert len(history.history["loss"]) == 4
    assert all(math.isfinite(loss) for loss in history.history["loss"])
