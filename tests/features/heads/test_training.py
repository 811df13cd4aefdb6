"""Heads learn, weight their examples, and run in NumPy afterwards."""

import itertools

import numpy as np
import pytest

from fitrank_tf.config import HeadConfig
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.features.heads.softmax_head import SoftmaxHead
from fitrank_tf.features.heads.training import train_head

NAMES = ("plain", "striped", "checked")
CONFIG = HeadConfig(hidden=(16,), dropout=0.1, epochs=15, batch_size=32, learning_rate=1e-2)


def _clusters(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds of points in space, far from 0 and of different spread."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    centres = np.array([[100.0, 0.01, 5], [120.0, 0.01, 5], [100.0, 0.03, 5]])
    spread = generator.normal(size=(count, 3)) * (3.0, 0.003, 1.0)
    return (centres[labels] + spread).astype(np.float32), labels


@pytest.mark.parametrize("hidden", [(), (16, 8)])
def test_a_separable_problem_is_learned(hidden: tuple[int, ...]) -> None:
    inputs, labels = _clusters(150)
    config = HeadConfig(
        hidden=hidden, dropout=0.1, epochs=20, batch_size=32, learning_rate=1e-2
    )
    head = train_head(inputs, labels, NAMES, config, seed=0)
    unseen, truth = _clusters(90, seed=1)
    assert (head.probabilities(unseen).argmax(axis=1) == truth).mean() > 0.9
    assert head.labels == NAMES and len(head.kernels) == len(hidden) + 1


def test_the_label_of_larger_weight_is_learned() -> None:
    # Every point comes twice, once under each of two names.
    inputs = np.repeat(_clusters(60)[0], 2, axis=0)
    labels = np.tile([0, 1], 60)
    for believed in (0, 1):
        weights = np.where(labels == believed, 1.0, 0.1).astype(np.float32)
        head = train_head(inputs, labels, NAMES, CONFIG, 0, weights)
        assert (head.probabilities(inputs).argmax(axis=1) == believed).all()


def test_an_example_of_weight_zero_has_no_effect() -> None:
    inputs, labels = _clusters(90)
    wrong = np.where(np.arange(90) < 45, (labels + 1) % 3, labels)
    weights = (np.arange(90) >= 45).astype(np.float32)
    head = train_head(inputs, wrong, NAMES, CONFIG, 0, weights)
    assert (head.probabilities(inputs).argmax(axis=1) == labels).mean() > 0.9


def test_the_same_seed_trains_the_same_head() -> None:
    data = (*_clusters(60), NAMES, HeadConfig(hidden=(4,), epochs=2))
    one, again, other = (train_head(*data, seed) for seed in (3, 3, 4))
    for first, second in zip(one.kernels, again.kernels):
        np.testing.assert_allclose(first, second, atol=1e-6)
    assert np.abs(one.kernels[0] - other.kernels[0]).max() > 0.01


def test_a_column_that_never_changes_does_no_harm() -> None:
    inputs, labels = _clusters(60)
    inputs[:, 2] = 7.0
    head = train_head(inputs, labels, NAMES, HeadConfig(hidden=(), epochs=1), 0)
    assert np.isfinite(head.probabilities(inputs)).all()


def test_training_without_examples_is_refused() -> None:
    with pytest.raises(FitRankError, match="no product has a label of plain, striped"):
        train_head(np.zeros((0, 3), np.float32), np.zeros(0, int), NAMES, CONFIG, 0)


def _forward(head: SoftmaxHead, row: np.ndarray) -> list[float]:
    """One product at a time, a sum at a time, in double precision."""
    scaled = (row.astype(float) - head.mean) / head.scale
    hidden = [min(max(value, -5.0), 5.0) for value in scaled]
    layers = list(zip(head.kernels, head.biases))
    for number, (kernel, bias) in enumerate(layers):
        hidden = [
            sum(hidden[i] * float(kernel[i, j]) for i in range(len(hidden)))
            + float(bias[j])
            for j in range(len(bias))
        ]
        if number < len(layers) - 1:
            hidden = [max(value, 0.0) for value in hidden]
    raised = np.exp(np.array(hidden) - max(hidden))
    return list(raised / raised.sum())


def _random_head(widths: tuple[int, ...]) -> SoftmaxHead:
    generator = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return generator.normal(size=shape).astype(np.float32)

    shapes = list(itertools.pairwise(widths))
    return SoftmaxHead(
        labels=tuple("abcdefgh"[: widths[-1]]),
        mean=normal(widths[0]),
        scale=np.abs(normal(widths[0])) + np.float32(0.1),
        kernels=tuple(normal(*shape) for shape in shapes),
        biases=tuple(normal(shape[1]) for shape in shapes),
    )


@pytest.mark.parametrize("widths", [(3, 2), (4, 5, 3), (4, 6, 5, 8)])
@pytest.mark.parametrize("far", [0.0, 1e6])
def test_probabilities_worked_out_one_by_one(widths: tuple[int, ...], far: float) -> None:
    head = _random_head(widths)
    asked = np.random.default_rng(1).normal(size=(6, widths[0])).astype(np.float32)
    asked += np.float32(far)
    expected = [_forward(head, row) for row in asked]
    np.testing.assert_allclose(head.probabilities(asked), expected, atol=1e-5)


def test_a_head_worked_by_hand() -> None:
    # (3 - 1) / 2 = 1 and -9 cut off at -5; hidden 1 and max(0, -4); logits ln 3 and 0.
    head = SoftmaxHead(
        labels=("a", "b"),
        mean=np.array([1.0, 0.0], np.float32),
        scale=np.array([2.0, 1.0], np.float32),
        kernels=(
            np.array([[1.0, 1.0], [0.0, 1.0]], np.float32),
            np.array([[np.log(3.0), 0.0], [7.0, 7.0]], np.float32),
        ),
        biases=(np.zeros(2, np.float32), np.zeros(2, np.float32)),
    )
    predicted = head.probabilities(np.array([[3.0, -9.0]], np.float32))
    np.testing.assert_allclose(predicted, [[0.75, 0.25]], atol=1e-6)
