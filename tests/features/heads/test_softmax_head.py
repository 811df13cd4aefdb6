"""Softmax heads against the forward pass written out, and their files."""

import dataclasses
import itertools

import numpy as np
import pytest

from fitrank_tf.core.arrays import load_arrays, save_arrays
from fitrank_tf.features.heads.softmax_head import (
    SoftmaxHead,
    head_arrays,
    head_from_arrays,
    merge_heads,
)


def _head(seed: int, *widths: int) -> SoftmaxHead:
    """Random weights; widths of the inputs, the hidden layers and the outputs."""
    rng = np.random.default_rng(seed)
    shapes = list(itertools.pairwise(widths))
    return SoftmaxHead(
        labels=tuple(f"label {number}" for number in range(widths[-1])),
        mean=rng.normal(size=widths[0]).astype(np.float32),
        scale=rng.uniform(0.5, 2, widths[0]).astype(np.float32),
        kernels=tuple(rng.normal(size=shape).astype(np.float32) for shape in shapes),
        biases=tuple(rng.normal(size=out).astype(np.float32) for _, out in shapes),
    )


def _inputs(seed: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (5, width)).astype(np.float32)


def _written_out(head: SoftmaxHead, row: np.ndarray) -> list[float]:
    """The probabilities for one row of inputs, number by number."""
    values = [
        min(max((float(x) - float(mean)) / float(scale), -5.0), 5.0)
        for x, mean, scale in zip(row, head.mean, head.scale)
    ]
    for layer, (kernel, bias) in enumerate(zip(head.kernels, head.biases)):
        if layer:
            values = [max(value, 0.0) for value in values]
        values = [
            sum(value * float(weight) for value, weight in zip(values, column)) + float(b)
            for column, b in zip(kernel.T, bias)
        ]
    raised = [np.exp(value) for value in values]
    return [value / sum(raised) for value in raised]


@pytest.mark.parametrize("widths", [(4, 3), (7, 5, 2), (6, 8, 4, 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_probabilities_are_the_forward_pass(widths, seed) -> None:
    head, inputs = _head(seed, *widths), _inputs(seed, widths[0])
    expected = [_written_out(head, row) for row in inputs]
    np.testing.assert_allclose(head.probabilities(inputs), expected, atol=1e-5)


def test_inputs_are_clipped_at_five() -> None:
    # (x - 1) / 2 is 5 at 11, and the logits are 0 and that.
    head = SoftmaxHead(
        labels=("a", "b"),
        mean=np.float32([1.0]),
        scale=np.float32([2.0]),
        kernels=(np.float32([[0.0, 1.0]]),),
        biases=(np.zeros(2, np.float32),),
    )
    found = head.probabilities(np.float32([[1.0], [3.0], [11.0], [1e6], [-1e6]]))
    expected = 1 / (1 + np.exp([-0.0, -1.0, -5.0, -5.0, 5.0]))
    np.testing.assert_allclose(found[:, 1], expected, rtol=1e-5)


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_large_logits_do_not_overflow(size) -> None:
    head = _head(0, 3, 2)
    head = dataclasses.replace(head, biases=(np.float32([size, -size]),))
    np.testing.assert_allclose(head.probabilities(_inputs(0, 3)), [[1.0, 0.0]] * 5)


def _alike(count: int, *widths: int) -> list[SoftmaxHead]:
    """Heads that standardise alike."""
    first, *others = (_head(seed, *widths) for seed in range(count))
    return [
        first,
        *(
            dataclasses.replace(other, mean=first.mean, scale=first.scale)
            for other in others
        ),
    ]


@pytest.mark.parametrize("widths", [(4, 3), (7, 5, 2), (6, 8, 4, 3)])
@pytest.mark.parametrize("count", [1, 3])
def test_a_merged_head_is_the_mean_of_the_logits(widths, count) -> None:
    heads, inputs = _alike(count, *widths), _inputs(9, widths[0])
    # The mean of logits is the geometric mean of probabilities, made to sum to 1.
    predicted = np.array([[_written_out(h, row) for row in inputs] for h in heads])
    geometric = np.exp(np.log(predicted).mean(axis=0))
    expected = geometric / geometric.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        merge_heads(heads).probabilities(inputs), expected, atol=1e-5
    )


@pytest.mark.parametrize(
    "other",
    [
        _head(1, 4, 5, 3),  # other inputs
        dataclasses.replace(_head(0, 4, 5, 3), labels=("a", "b", "c")),
        _head(0, 4, 3),
    ],
    ids=["inputs", "labels", "depth"],
)
def test_heads_that_differ_do_not_merge(other) -> None:
    with pytest.raises(ValueError, match="do not merge"):
        merge_heads([_head(0, 4, 5, 3), other])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernels": (np.zeros((5, 7)), np.zeros((5, 2)))}, "must have the shapes"),
        ({"kernels": (np.zeros((7, 5)),)}, "must have the shapes"),
        ({"kernels": (np.zeros((7, 4)), np.zeros((4, 2)))}, "must have the shapes"),
        ({"biases": (np.zeros(5),)}, "must have the shapes"),
        ({"mean": np.zeros(6)}, "must have the shapes"),
        ({"labels": ("a", "b", "c")}, "3 labels, but 2 outputs"),
    ],
    ids=["turned", "a layer less", "narrower", "a bias less", "inputs", "labels"],
)
def test_wrong_shapes_are_refused(changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(_head(0, 7, 5, 2), **changes)


def _assert_same(found: SoftmaxHead, expected: SoftmaxHead) -> None:
    assert found.labels == expected.labels
    for name in ("mean", "scale"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("kernels", "biases"):
        pairs = zip(getattr(found, name), getattr(expected, name), strict=True)
        for mine, theirs in pairs:
            np.testing.assert_array_equal(mine, theirs)


def test_heads_of_one_file_come_back(tmp_path) -> None:
    heads = {"colour_1": _head(0, 4, 3), "colour_10": _head(1, 7, 5, 2)}
    arrays = head_arrays(heads["colour_1"], "colour_1")
    save_arrays(
        tmp_path / "heads.npz", arrays | head_arrays(heads["colour_10"], "colour_10")
    )
    loaded = load_arrays(tmp_path / "heads.npz", "make")
    for prefix, head in heads.items():
        _assert_same(head_from_arrays(loaded, prefix), head)
    with pytest.raises(KeyError):
        head_from_arrays(loaded, "pattern")
