"""Synthetic and resampled catalogues for the index benchmark, and exact neighbours."""

import numpy as np
import pytest

from benchmarks.index import sample_embeddings
from benchmarks.index.sample_embeddings import (
    SampleEmbeddings,
    exact_neighbours,
    resampled,
    synthetic_sample,
)


def unit_rows(count: int, dim: int, seed: int) -> np.ndarray:
    """float32 [count, dim]."""
    rows = np.random.default_rng(seed).standard_normal((count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_synthetic_vectors_are_unit_vectors_in_clusters_and_seeded(monkeypatch) -> None:
    monkeypatch.setattr(sample_embeddings, "_CHUNK_ROWS", 700)
    sample = synthetic_sample(2000, 50, 48, seed=3)
    assert sample.vectors.shape == (2000, 48) and sample.queries.shape == (50, 48)
    assert sample.vectors.dtype == sample.queries.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(sample.vectors, axis=1), 1.0, atol=1e-6)
    nearest = (sample.queries @ sample.vectors.T).max(axis=1)
    by_chance = (sample.queries @ unit_rows(2000, 48, seed=0).T).max(axis=1)
    assert nearest.mean() > by_chance.mean() + 0.1
    again, other = (synthetic_sample(2000, 50, 48, seed=seed) for seed in (3, 4))
    np.testing.assert_array_equal(again.vectors, sample.vectors)
    assert not np.array_equal(other.vectors, sample.vectors)


def test_resampled_vectors_are_near_those_of_the_catalogue() -> None:
    own, queries = unit_rows(40, 64, seed=1), unit_rows(6, 64, seed=2)
    sample = resampled(own, queries, 500, seed=0)
    assert sample.vectors.shape == (500, 64) and sample.queries is queries
    np.testing.assert_allclose(np.linalg.norm(sample.vectors, axis=1), 1.0, atol=1e-6)
    likeness = sample.vectors @ own.T
    # Each is near one product and every product has copies; none is a product itself.
    assert likeness.max(axis=1).min() > 0.8
    assert len(set(likeness.argmax(axis=1))) == 40
    assert np.median(likeness.max(axis=1)) < 0.98


@pytest.mark.parametrize("at_once", [7, 64, 1000])
@pytest.mark.parametrize("k", [1, 10, 300])
def test_true_neighbours_are_those_of_a_full_sort(monkeypatch, at_once, k) -> None:
    monkeypatch.setattr(sample_embeddings, "_CHUNK_ROWS", at_once)
    sample = SampleEmbeddings(unit_rows(300, 16, seed=5), unit_rows(9, 16, seed=6))
    expected = np.argsort(-(sample.queries @ sample.vectors.T), axis=1)[:, :k]
    np.testing.assert_array_equal(exact_neighbours(sample, k), expected)
