"""ScaNN against exact search: equal where it must be, close where it may differ."""

import sys

import numpy as np
import pytest

from fitrank_tf.retrieval.exact_index import ExactIndex
from fitrank_tf.retrieval.scann_index import ScannIndex, ScannSettings, settings_for

needs_scann = pytest.mark.skipif(
    sys.platform != "linux", reason="scann exists for Linux only"
)


def clustered(rng: np.random.Generator, count: int, centres: np.ndarray) -> np.ndarray:
    """float32 [count, D] unit rows around `centres`, as products group by type."""
    dims = centres.shape[1]
    noise = rng.normal(scale=0.5 / np.sqrt(dims), size=(count, dims))
    vectors = centres[rng.integers(len(centres), size=count)] + noise
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def catalogue(count: int, dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings [count, dims] and 50 queries of the same distribution."""
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(40, dims)) / np.sqrt(dims)
    return clustered(rng, count, centres), clustered(rng, 50, centres)


@needs_scann
@pytest.mark.parametrize("dims", [64, 33])
@pytest.mark.parametrize(("num_leaves", "searched"), [(1, 1), (20, 20)])
def test_all_leaves_and_reorder_all_equals_exact(dims, num_leaves, searched):
    embeddings, queries = catalogue(2000, dims)
    settings = ScannSettings(num_leaves, searched, reorder=len(embeddings))
    found = ScannIndex(embeddings, settings).search(queries, k=100)
    expected = ExactIndex(embeddings).search(queries, k=100)
    np.testing.assert_array_equal(found.positions, expected.positions)
    np.testing.assert_array_equal(found.scores, expected.scores)


@needs_scann
@pytest.mark.parametrize(
    "settings", [settings_for(30_000), ScannSettings(num_leaves=117, leaves_to_search=58)]
)
def test_recall_at_10_of_a_real_size(settings):
    embeddings, queries = catalogue(30_000, 64)
    found = ScannIndex(embeddings, settings).search(queries, k=10).positions
    expected = ExactIndex(embeddings).search(queries, k=10).positions
    hits = [len(np.intersect1d(a, b)) for a, b in zip(found, expected)]
    assert np.mean(hits) / 10 > 0.9


@needs_scann
def test_unreachable_places_are_padding_not_item_0():
    embeddings, queries = catalogue(1000, 64)
    settings = ScannSettings(num_leaves=50, leaves_to_search=1, reorder=200)
    found = ScannIndex(embeddings, settings).search(queries, k=200)
    padding = found.positions == -1
    assert padding.any(axis=1).all(), "one leaf of fifty cannot hold 200 items"
    assert np.isneginf(found.scores[padding]).all()
    assert np.isfinite(found.scores[~padding]).all()
    for row, pads in zip(found.positions, padding):
        real = row[~pads]
        assert len(set(real)) == len(real) and not pads[: len(real)].any()


@needs_scann
def test_equal_items_come_by_position():
    embeddings, queries = catalogue(300, 64)
    twice = np.concatenate([embeddings, embeddings])
    found = ScannIndex(twice, ScannSettings(reorder=len(twice))).search(queries, k=600)
    np.testing.assert_array_equal(found.positions[:, 0::2] + 300, found.positions[:, 1::2])


@needs_scann
def test_a_search_for_more_than_reorder_is_still_right():
    embeddings, queries = catalogue(400, 64)
    found = ScannIndex(embeddings, ScannSettings(reorder=5)).search(queries, k=400)
    expected = ExactIndex(embeddings).search(queries, k=400)
    np.testing.assert_array_equal(found.positions, expected.positions)


@needs_scann
@pytest.mark.parametrize("count", [1, 5, 40])
def test_pads_when_k_exceeds_a_tiny_catalogue(count):
    embeddings, queries = catalogue(count, 64)
    found = ScannIndex(embeddings).search(queries, k=50)
    expected = ExactIndex(embeddings).search(queries, k=50)
    np.testing.assert_array_equal(found.positions, expected.positions)
    assert (found.positions[:, count:] == -1).all()


@needs_scann
def test_describes_its_settings():
    embeddings, queries = catalogue(100, 64)
    index = ScannIndex(embeddings, ScannSettings(reorder=77))
    assert not index.is_exact and index.num_items == 100
    assert "100 items" in index.describe() and "reorder=77" in index.describe()
    assert index.search(queries[:0], 3).positions.shape == (0, 3)


# Leaves and leaves to search as scann 1.4.2's autopilot() chose them at 512
# dimensions (its config printed, nothing trained); below 100,000 no tree.
@pytest.mark.parametrize(
    ("num_items", "num_leaves", "leaves_to_search"),
    [
        (1, 1, 1),
        (20_000, 1, 1),
        (99_999, 1, 1),
        (100_000, 390, 83),
        (250_000, 976, 109),
        (500_000, 1953, 134),
        (1_000_000, 3906, 165),
        (5_000_000, 6124, 189),
    ],
)
def test_settings_by_size_follow_the_autopilot(num_items, num_leaves, leaves_to_search):
    settings = settings_for(num_items)
    assert settings.num_leaves == num_leaves
    assert abs(settings.leaves_to_search - leaves_to_search) <= 1
    assert (settings.dimensions_per_block, settings.anisotropic_threshold) == (2, 0.2)
    assert settings.reorder == 1000  # 100 * sqrt(100 candidates)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_leaves": 0}, "num_leaves must be at least 1, got 0"),
        ({"num_leaves": 4, "leaves_to_search": 5}, "at most num_leaves = 4, got 5"),
        ({"dimensions_per_block": 0}, "dimensions_per_block .* got 0"),
        ({"reorder": -3}, "reorder .* got -3"),
        ({"anisotropic_threshold": float("nan")}, "anisotropic_threshold .* got nan"),
    ],
)
def test_refuses_bad_settings(values, message):
    with pytest.raises(ValueError, match=message):
        ScannSettings(**values)


def test_refuses_settings_for_no_items():
    with pytest.raises(ValueError, match="got 0"):
        settings_for(0)
