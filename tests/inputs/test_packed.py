"""Packed products load as they were saved; batches depend on their number alone."""

import dataclasses

import cv2
import numpy as np
import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.inputs.contrastive_table import ContrastiveTable
from fitrank_tf.inputs.packed import (
    PACKED_FILE,
    PackedBatches,
    PackedProducts,
    decode_squares,
    encode_square,
)

COUNT, TEXTS, SIZE = 7, 3, 16


def _pixels() -> np.ndarray:
    """All pixels of product k are (10 k, 20 k, 30 k)."""
    colours = np.arange(COUNT)[:, None] * np.array([10, 20, 30])
    return np.tile(colours[:, None, None], (1, SIZE, SIZE, 1)).astype("uint8")


def _table(features: np.ndarray | None = None) -> ContrastiveTable:
    numbers = np.arange(COUNT, dtype="int32")
    return ContrastiveTable(
        token_ids=(numbers[:, None] * TEXTS + np.arange(TEXTS))[..., None].astype("int32"),
        groups=numbers,
        product_codes=numbers[:, None],
        text_codes=np.tile(numbers[:, None, None], (1, TEXTS, 1)),
        features=features,
    )


def _products(features: np.ndarray | None = None) -> PackedProducts:
    photos = [encode_square(photo, 95) for photo in _pixels()]
    return PackedProducts(
        table=_table(features),
        photos=photos,
        validation_photos=photos[:2],
        validation_titles=np.array([[1, 2], [3, 4]], "int32"),
        image_size=SIZE,
        vocabulary_size=600,
    )


@pytest.mark.parametrize("features", [None, np.ones((COUNT, 4), "float32")])
def test_saved_products_load_unchanged(tmp_path, features) -> None:
    packed = _products(features)
    packed.save(tmp_path)
    loaded = PackedProducts.load(tmp_path)
    assert loaded.photos == packed.photos
    assert loaded.validation_photos == packed.validation_photos
    assert (loaded.image_size, loaded.vocabulary_size) == (SIZE, 600)
    np.testing.assert_array_equal(loaded.validation_titles, packed.validation_titles)
    for name, values in dataclasses.asdict(packed.table).items():
        np.testing.assert_array_equal(getattr(loaded.table, name), values, err_msg=name)


def test_photos_keep_their_colours() -> None:
    pixels = decode_squares([encode_square(photo, 95) for photo in _pixels()], SIZE)
    assert np.abs(pixels.astype(int) - _pixels()).max() <= 3


@pytest.mark.parametrize(
    "photo",
    [
        b"no photo",
        cv2.imencode(".jpg", np.zeros((SIZE, SIZE + 1, 3), np.uint8))[1].tobytes(),
    ],
)
def test_a_photo_of_another_kind_is_refused(photo: bytes) -> None:
    good = encode_square(_pixels()[0], 90)
    with pytest.raises(FitRankError, match=r"packed photo 1 .* not a square of 16"):
        decode_squares([good, photo], SIZE)


def test_a_file_of_another_kind_is_refused(tmp_path) -> None:
    with pytest.raises(FitRankError, match=r"cannot be read.*fitrank pack"):
        PackedProducts.load(tmp_path)
    np.savez(tmp_path / PACKED_FILE, **dataclasses.asdict(_table(np.ones((COUNT, 1)))))
    with pytest.raises(FitRankError, match=r"has no photos; .*fitrank pack"):
        PackedProducts.load(tmp_path)


@pytest.mark.parametrize("name", ["groups", "token_ids", "product_codes", "text_codes"])
def test_a_file_without_an_array_of_the_table_is_refused(tmp_path, name: str) -> None:
    _products().save(tmp_path)
    with np.load(tmp_path / PACKED_FILE) as saved:
        arrays = {other: saved[other] for other in saved.files if other != name}
    np.savez(tmp_path / PACKED_FILE, **arrays)
    with pytest.raises(FitRankError, match=rf"has no {name}; .*fitrank pack"):
        PackedProducts.load(tmp_path)


@pytest.mark.parametrize("batch_size", [3, 7, 100])
def test_an_epoch_has_every_product_once_with_one_of_its_texts(batch_size: int) -> None:
    batches = PackedBatches(_table(), _pixels(), batch_size, seed=1)
    steps = batches.steps_per_epoch
    assert steps == max(1, COUNT // batch_size)
    epochs = [list(batches(first, first + steps)) for first in (0, steps)]
    orders = []
    for epoch in epochs:
        rows = np.concatenate([batch["groups"] for batch in epoch])
        assert len(set(rows)) == len(rows) == steps * min(batch_size, COUNT)
        orders.append(rows.tolist())
        for batch in epoch:
            np.testing.assert_array_equal(batch["images"][:, 0, 0, 0], 10 * batch["groups"])
            np.testing.assert_array_equal(
                batch["token_ids"][:, 0] // TEXTS, batch["groups"]
            )
            np.testing.assert_array_equal(batch["text_codes"][:, 0], batch["groups"])
            np.testing.assert_array_equal(batch["product_codes"][:, 0], batch["groups"])
            assert "features" not in batch
    assert orders[0] != orders[1]


@pytest.mark.parametrize("start", [0, 1, 2, 3, 5])
def test_a_batch_is_the_same_wherever_a_run_resumes(start: int) -> None:
    features = np.arange(COUNT, dtype="float32")[:, None]
    batches = PackedBatches(_table(features), _pixels(), 3, seed=4)
    whole, rest = list(batches(0, 6)), list(batches(start, 6))
    assert len(rest) == 6 - start
    for one, other in zip(whole[start:], rest):
        np.testing.assert_array_equal(one["features"][:, 0], one["groups"])
        for name, values in one.items():
            np.testing.assert_array_equal(other[name], values, err_msg=name)


def test_another_seed_draws_another_order() -> None:
    orders = [
        next(PackedBatches(_table(), _pixels(), 7, seed)(0, 1))["groups"].tolist()
        for seed in range(4)
    ]
    assert len({tuple(order) for order in orders}) > 1
