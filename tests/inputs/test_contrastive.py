"""Each row of a contrastive batch holds one product's photo, text, group and features."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.inputs.contrastive import contrastive_batches
from fitrank_tf.inputs.contrastive_table import ContrastiveTable

COUNT, SIZE, TEXTS, FACETS = 10, 8, 3, 2


def _table(count: int = COUNT) -> ContrastiveTable:
    numbers = np.arange(count, dtype=np.int32)
    # Text t of product p is [p, t]; its feature is p.
    ids = np.stack([np.repeat(numbers, TEXTS), np.tile(np.arange(TEXTS), count)], axis=1)
    return ContrastiveTable(
        token_ids=ids.reshape(count, TEXTS, 2).astype(np.int32),
        groups=numbers // 2,
        # Facet f of product p is 2 p + f, and its text t asks for t more.
        product_codes=ids[::TEXTS, :1] * 2 + np.arange(FACETS, dtype=np.int32),
        text_codes=(ids[:, :1] * 2 + np.arange(FACETS) + ids[:, 1:])
        .reshape(count, TEXTS, FACETS)
        .astype(np.int32),
        features=numbers[:, None].astype(np.float32),
    )


def _photos(count: int = COUNT) -> tf.data.Dataset:
    """Photo p is grey of lightness 20 p."""
    lightness = np.arange(count, dtype=np.uint8)[:, None, None, None] * 20
    grey = np.broadcast_to(lightness, (count, SIZE, SIZE, 3))
    return tf.data.Dataset.from_tensor_slices(
        (np.arange(count), np.ascontiguousarray(grey))
    )


def test_a_row_of_a_batch_is_one_product() -> None:
    between, steps = contrastive_batches(_photos(), _table(), batch_size=4, seed=0)
    drawn = list(between(0, steps))
    assert steps == len(drawn) == 2  # of ten products two are left over
    for batch in drawn:
        products = batch["token_ids"][:, 0].numpy()
        np.testing.assert_array_equal(batch["groups"], products // 2)
        facets = 2 * products[:, None] + [0, 1]
        np.testing.assert_array_equal(batch["product_codes"], facets)
        texts = batch["token_ids"][:, 1:].numpy()
        np.testing.assert_array_equal(batch["text_codes"], facets + texts)
        np.testing.assert_array_equal(batch["features"][:, 0], products)
        # A window in the photo stays its colour, beyond it is white.
        darkest = tf.reduce_min(batch["images"], axis=[1, 2, 3])
        np.testing.assert_allclose(darkest, products * 20.0, atol=1e-3)


def test_epochs_differ_and_depend_on_the_seed() -> None:
    def epochs(seed: int) -> np.ndarray:
        between, _ = contrastive_batches(_photos(), _table(), batch_size=5, seed=seed)
        tokens = np.concatenate([batch["token_ids"] for batch in between(0, 4)])
        return tokens.reshape(2, COUNT, 2)

    first, second = epochs(1)
    assert sorted(first[:, 0]) == sorted(second[:, 0]) == list(range(COUNT))
    assert (first[:, 0] != second[:, 0]).any()
    assert (first != second).any()
    np.testing.assert_array_equal(epochs(1), (first, second))
    assert (epochs(2)[0] != first).any()


@pytest.mark.parametrize("start", [0, 1, 3, 4, 6, 7])
def test_a_batch_is_the_same_wherever_a_run_resumes(start: int) -> None:
    """To the pixel, whatever the process drew at random before."""

    def batches(process_seed: int, first: int) -> list[dict[str, np.ndarray]]:
        tf.random.set_seed(process_seed)
        between, _ = contrastive_batches(_photos(), _table(), batch_size=3, seed=5)
        return list(between(first, 8).as_numpy_iterator())

    whole, rest = batches(0, 0), batches(11, start)
    assert len(whole) == 8 and len(rest) == 8 - start
    for one, other in zip(whole[start:], rest):
        for name, values in one.items():
            np.testing.assert_array_equal(other[name], values, err_msg=name)


def test_the_global_seed_is_unchanged() -> None:
    def drawn(build: bool) -> float:
        tf.random.set_seed(3)
        if build:
            contrastive_batches(_photos(), _table(), batch_size=3, seed=5)[0](0, 2)
        return float(tf.random.uniform([]))

    assert drawn(True) == drawn(False)


def test_photos_are_decoded_once_for_all_epochs() -> None:
    decoded = []

    def decode(row, photo):
        decoded.append(int(row))
        return photo

    photos = _photos().map(
        lambda row, photo: (
            row,
            tf.ensure_shape(
                tf.py_function(decode, [row, photo], tf.uint8), (SIZE, SIZE, 3)
            ),
        )
    )
    between, steps = contrastive_batches(photos.cache(), _table(), batch_size=4, seed=0)
    for first in (0, steps):
        assert len(list(between(first, first + 2 * steps))) == 2 * steps
    assert sorted(decoded) == list(range(COUNT))


def test_a_batch_is_never_larger_than_the_catalogue() -> None:
    between, steps = contrastive_batches(_photos(3), _table(3), batch_size=256, seed=0)
    assert steps == 1
    assert len(next(iter(between(0, 1)))["groups"]) == 3


def test_one_product_alone_is_refused() -> None:
    with pytest.raises(FitRankError, match="at least 2 products"):
        contrastive_batches(_photos(1), _table(1), batch_size=4, seed=0)


def test_a_feature_that_is_not_finite_is_refused() -> None:
    table = _table()
    table.features[3, 0] = np.nan
    with pytest.raises(FitRankError, match=r"feature 0 of training product 3 .* nan"):
        contrastive_batches(_photos(), table, batch_size=4, seed=0)
