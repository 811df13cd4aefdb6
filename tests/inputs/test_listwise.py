"""Candidate lists: features gathered by position, padding masked, rows kept together."""

import numpy as np
import pytest

from fitrank_tf.inputs.listwise import ListArrays, ProductTables, empty_lists

Q, N, L, D, F, V = 7, 20, 4, 3, 2, 5
LISTS = ("queries", "query_facets", "positions", "scores", "labels", "weights")
TABLES = ("embeddings", "features", "facet_probs")


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    positions = generator.integers(0, N, (Q, L)).astype("int32")
    positions[2, 2:] = -1
    return {
        "queries": generator.normal(size=(Q, D)).astype("float32"),
        "query_facets": generator.integers(0, 2, (Q, V)).astype("float32"),
        "positions": positions,
        "scores": generator.normal(size=(Q, L)).astype("float32"),
        "labels": np.where(positions < 0, -1, positions % 5).astype("float32"),
        "weights": generator.random((Q, L)).astype("float32"),
        "embeddings": generator.normal(size=(N, D)).astype("float32"),
        "features": generator.normal(size=(N, F)).astype("float32"),
        "facet_probs": generator.random((N, V)).astype("float32"),
    }


def _lists(arrays) -> ListArrays:
    return ListArrays(*(arrays[name] for name in LISTS))


def _tables(arrays) -> ProductTables:
    return ProductTables(*(arrays[name] for name in TABLES))


def test_batches_gather_by_position(arrays) -> None:
    batches = _lists(arrays).batches(_tables(arrays), batch_size=3)
    inputs, labels = next(iter(batches))
    real = arrays["positions"][:3] >= 0
    np.testing.assert_array_equal(inputs["mask"], real)
    np.testing.assert_array_equal(labels, arrays["labels"][:3])
    np.testing.assert_array_equal(inputs["query"], arrays["queries"][:3])
    np.testing.assert_array_equal(inputs["query_facets"], arrays["query_facets"][:3])
    for name in ("features", "facet_probs"):
        np.testing.assert_array_equal(
            inputs[name].numpy()[real], arrays[name][arrays["positions"][:3][real]]
        )
    np.testing.assert_array_equal(
        inputs["first_stage"], np.where(real, arrays["scores"][:3], 0.0)
    )
    assert [len(labels) for _, labels in batches] == [3, 3, 1]


def test_training_batches_bring_the_weights_of_the_labels(arrays) -> None:
    batches = _lists(arrays).repeated(2).training_batches(_tables(arrays), batch_size=Q)
    first, second = [(labels.numpy(), weights.numpy()) for _, labels, weights in batches]
    for labels, weights in (first, second):
        np.testing.assert_array_equal(labels, arrays["labels"])
        np.testing.assert_array_equal(weights, arrays["weights"])


def test_shuffling_keeps_lists_together(arrays) -> None:
    mixed = _lists(arrays).shuffled(seed=1)
    order = np.random.default_rng(1).permutation(Q)
    for name in LISTS:
        np.testing.assert_array_equal(getattr(mixed, name), arrays[name][order])


def test_selecting_products_selects_rows_of_all_tables(arrays) -> None:
    rows = np.array([3, 0, 7])
    some = _tables(arrays).select(rows)
    for name in TABLES:
        np.testing.assert_array_equal(getattr(some, name), arrays[name][rows])


def test_no_query_gives_no_list() -> None:
    assert len(empty_lists(D, V, L)) == 0
