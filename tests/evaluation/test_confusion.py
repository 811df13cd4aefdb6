"""Accuracy and macro-F1 beside numbers worked out by hand, and the picture."""

import warnings

import numpy as np
import pytest
from PIL import Image

from fitrank_tf.evaluation.confusion import Confusion

NAMES = ("plain", "striped", "checked", "printed")


def confusion(truth: list[int], given: list[int], names=NAMES) -> Confusion:
    return Confusion.of("pattern", names, np.array(truth, int), np.array(given, int))


def test_rows_are_true_and_columns_given() -> None:
    counts = confusion([0, 0, 0, 1, 2], [0, 0, 1, 3, 2]).counts
    expected = np.zeros((4, 4), int)
    expected[0, 0], expected[0, 1], expected[1, 3], expected[2, 2] = 2, 1, 1, 1
    np.testing.assert_array_equal(counts, expected)


@pytest.mark.parametrize(
    ("truth", "given", "accuracy", "macro_f1"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3], 1.0, 1.0),
        ([0, 1], [1, 0], 0.0, 0.0),
        # Plain: precision 2/3, recall 1, F1 4/5. Striped: 1, 1/2, 2/3.
        ([0, 0, 1, 1], [0, 0, 0, 1], 0.75, (4 / 5 + 2 / 3) / 2),
        # Checked is given and never true: F1 0. Printed is neither: it does not count.
        ([0, 0, 0, 1], [0, 0, 2, 1], 0.75, (4 / 5 + 1 + 0) / 3),
        # Striped is true and never given.
        ([0, 1], [0, 0], 0.5, (2 / 3 + 0) / 2),
    ],
)
def test_worked_by_hand(truth, given, accuracy: float, macro_f1: float) -> None:
    measured = confusion(truth, given)
    assert measured.accuracy == pytest.approx(accuracy)
    assert measured.macro_f1 == pytest.approx(macro_f1)


@pytest.mark.parametrize("seed", range(3))
def test_measures_equal_those_of_scikit_learn(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(seed)
    # One name of seven is never true, one never given, one neither.
    truth = generator.choice([0, 1, 2, 3, 4], 200)
    given = np.where(generator.random(200) < 0.5, truth % 4, generator.integers(0, 4, 200))
    given[:3] = 5
    measured = confusion(truth, given, tuple("abcdefg"))
    assert measured.accuracy == pytest.approx(metrics.accuracy_score(truth, given))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = metrics.f1_score(truth, given, average="macro")
    assert measured.macro_f1 == pytest.approx(expected)
    matrix = metrics.confusion_matrix(truth, given, labels=range(7))
    np.testing.assert_array_equal(measured.counts, matrix)


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_measures_without_products_are_nan() -> None:
    measured = confusion([], [])
    assert np.isnan(measured.accuracy) and np.isnan(measured.macro_f1)


def blues(path) -> int:
    """Pixels of the darkest blue, which a row's whole share has."""
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    return int((np.abs(pixels - (8, 48, 107)).sum(axis=-1) < 12).sum())


def test_the_picture_has_as_many_dark_cells_as_rows_with_one_answer(tmp_path) -> None:
    truth = [0, 1, 2, 3]
    confusion(truth, truth).draw(tmp_path / "four.png")
    confusion([0, 1, 2, 2, 3, 3], [0, 1, 0, 2, 0, 3]).draw(tmp_path / "two.png")
    assert Image.open(tmp_path / "four.png").format == "PNG"
    assert blues(tmp_path / "four.png") == pytest.approx(
        2 * blues(tmp_path / "two.png"), rel=0.1
    )
    assert blues(tmp_path / "two.png") > 100


def test_a_picture_of_no_products_is_drawn_too(tmp_path) -> None:
    confusion([], []).draw(tmp_path / "none.png")
    assert blues(tmp_path / "none.png") == 0
