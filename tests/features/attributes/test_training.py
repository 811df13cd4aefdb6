"""Training of the attribute network, and augmentation of its canvases."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.config import AttributeConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.features.attributes.columns import NECKLINE_LABELS, SLEEVE_LABELS
from fitrank_tf.features.attributes.network import attribute_probabilities
from fitrank_tf.features.attributes.training import (
    AttributeTable,
    augment_canvases,
    train_attribute_network,
)

LONG, SHORT = SLEEVE_LABELS.index("long"), SLEEVE_LABELS.index("short")
HOOD, V = NECKLINE_LABELS.index("hood"), NECKLINE_LABELS.index("v")


def _canvases(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Dark bars, upright for long sleeves and level for short ones, in any place."""
    generator = np.random.default_rng(seed)
    canvases = np.full((count, 96, 96, 3), 255, np.uint8)
    labels = np.where(np.arange(count) % 2, LONG, SHORT)
    for canvas, label in zip(canvases, labels):
        across = generator.integers(24, 56)
        colour = generator.integers(0, 120, 3)
        bar = canvas if label == SHORT else canvas.transpose(1, 0, 2)
        bar[across : across + 16] = colour
    return canvases, labels


def _table(count: int, repeats: int) -> AttributeTable:
    """Long sleeves have the neckline "hood" of weight 1, short ones "v" of weight 0."""
    canvases, sleeve = _canvases(count)
    sure = np.ones(count, np.float32)
    return AttributeTable(
        canvases=canvases,
        labels={
            "sleeve": sleeve,
            "neckline": np.where(sleeve == LONG, HOOD, V),
            "twin": np.full(count, -1),
        },
        weights={
            "sleeve": sure,
            "neckline": (sleeve == LONG).astype(np.float32),
            "twin": sure * 0,
        },
        repeats=np.full(count, repeats),
    )


def _train(table: AttributeTable, folder: Path, epochs: int = 16) -> keras.Model:
    config = AttributeConfig(epochs=epochs, batch_size=40, learning_rate=2e-3)
    return train_attribute_network(table, {"twin": 2}, config, 0, folder / "backup")


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> keras.Model:
    # The 24 products fill a batch only because each is repeated.
    return _train(_table(24, repeats=2), tmp_path_factory.mktemp("training"))


def _predict(network: keras.Model) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True sleeve of new canvases, and predicted sleeve and neckline."""
    canvases, labels = _canvases(16, seed=1)
    predicted = np.asarray(attribute_probabilities(network, canvases))
    split = len(SLEEVE_LABELS)
    return labels, predicted[:, :split].argmax(axis=1), predicted[:, split:].argmax(axis=1)


def test_it_learns_a_visible_attribute(network) -> None:
    truth, sleeve, _ = _predict(network)
    assert (sleeve == truth).mean() >= 0.9


def test_labels_of_weight_zero_are_not_learned(network) -> None:
    # If "v" were learned, it would be predicted for every second canvas.
    assert (_predict(network)[2] == HOOD).all()


def test_fewer_products_than_a_batch_are_refused(tmp_path) -> None:
    with pytest.raises(
        FitRankError, match="24 labelled products are less than a batch of 40"
    ):
        _train(_table(24, repeats=1), tmp_path)


def _augmented(canvases: np.ndarray, *seed: int) -> np.ndarray:
    return augment_canvases(tf.constant(canvases), tf.constant(seed, tf.int64)).numpy()


@pytest.mark.parametrize("seed", range(5))
def test_white_stays_white(seed: int) -> None:
    white = np.full((16, 96, 96, 3), 255, np.uint8)
    np.testing.assert_allclose(_augmented(white, 0, seed), 255.0, atol=0.01)


def test_the_seed_decides() -> None:
    canvases = _canvases(8)[0]
    once = _augmented(canvases, 3, 1)
    assert once.dtype == np.float32 and once.shape == canvases.shape
    np.testing.assert_array_equal(_augmented(canvases, 3, 1), once)
    for other in ((3, 2), (4, 1)):
        assert np.abs(_augmented(canvases, *other) - once).max() > 10


def test_colours_change_and_stay_colours() -> None:
    red = np.full((64, 96, 96, 3), (180, 40, 60), np.uint8)
    middle = _augmented(red, 0, 0)[:, 48, 48]
    assert middle.min() >= 0 and middle.max() <= 255
    assert len(np.unique(middle.round(2), axis=0)) == 64
    assert (middle[:, 0] > middle[:, 1:].max(axis=1)).mean() > 0.8


def _dark_columns(windows: np.ndarray) -> list[float]:
    """Where the middle of a dark bar is, and how wide it is, of each canvas."""
    bars = [np.flatnonzero(canvas[48, :, 0] < 128) for canvas in windows]
    return [(bar.mean(), len(bar)) for bar in bars]


def test_half_are_mirrored_and_all_are_zoomed() -> None:
    # An upright bar off the middle: columns 10..25, 16 wide.
    canvases = np.full((64, 96, 96, 3), 255, np.uint8)
    canvases[:, :, 10:26] = 0
    places, widths = zip(*_dark_columns(_augmented(canvases, 0, 0)))
    right = np.mean(np.array(places) > 48)
    assert 0.3 < right < 0.7
    # Windows of 0.82 to 1.12 of a side make of 16 pixels 14 to 20, less if cut off.
    assert max(widths) <= 20 and max(widths) >= 18 and np.unique(widths).size >= 4
