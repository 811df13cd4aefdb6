"""Candidate lists: looked up by position, padding masked, rows kept together."""

import numpy as np
import pytest

from fitrank_tf.inputs.listwise import listwise_batches, shuffled

Q, N, L, D, F = 7, 20, 4, 3, 2
NAMES = ("queries", "positions", "scores", "labels")


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    positions = generator.integers(0, N, (Q, L)).astype("int32")
    positions[2, 2:] = -1
    return {
        "queries": generator.normal(size=(Q, D)).astype("float32"),
        "positions": positions,
        "scores": generator.normal(size=(Q, L)).astype("float32"),
        "labels": np.where(positions < 0, -1, positions % 5).astype("float32"),
        "images": generator.normal(size=(N, D)).astype("float32"),
        "features": generator.normal(size=(N, F)).astype("float32"),
    }


def test_batches_look_up_by_position(arrays) -> None:
    batches = listwise_batches(
        *(arrays[name] for name in (*NAMES, "images", "features")), batch_size=3
    )
    inputs, labels = next(iter(batches))
    real = arrays["positions"][:3] >= 0
    np.testing.assert_array_equal(inputs["mask"], real)
    np.testing.assert_array_equal(labels, arrays["labels"][:3])
    np.testing.assert_array_equal(inputs["query"], arrays["queries"][:3])
    for name in ("images", "features"):
        np.testing.assert_array_equal(
            inputs[name].numpy()[real], arrays[name][arrays["positions"][:3][real]]
        )
    np.testing.assert_array_equal(
        inputs["first_stage"], np.where(real, arrays["scores"][:3], 0.0)
    )
    assert [len(labels) for _, labels in batches] == [3, 3, 1]


def test_shuffling_keeps_lists_together(arrays) -> None:
    mixed = shuffled(*(arrays[name] for name in NAMES), seed=1)
    order = np.random.default_rng(1).permutation(Q)
    for name, array in zip(NAMES, mixed):
        np.testing.assert_array_equal(array, arrays[name][order])
