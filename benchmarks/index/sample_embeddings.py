"""Catalogues of any size for the index benchmark, distributed like embeddings."""

import dataclasses
from collections.abc import Callable

import numpy as np
from tqdm import tqdm

# Products form clusters, and few clusters have most of the products: cluster sizes follow
# a power law.
_CLUSTERS = 500
_CLUSTER_SIZE_EXPONENT = 0.7
# Distance of a product from its cluster's centre; centres have length 1.
_SPREAD = 0.9
# Variances within a cluster fall as 1 / (1 + rank / _DECAY), as those of embeddings do.
_DECAY = 8.0
# Distance of a copy from its product, as a share of the distance of two products.
_COPY_NOISE = 0.3
_CHUNK_ROWS = 50_000
# Shares of the vectors that pass the filters of the benchmark, at random.
PASSING_SHARES: tuple[float, ...] = (0.001, 0.01, 0.1, 0.5)


@dataclasses.dataclass(frozen=True)
class SampleEmbeddings:
    """Vectors of a catalogue, and queries.

    Attributes:
        vectors: float32 [N, D], unit rows.
        queries: float32 [Q, D], unit rows; none is one of the vectors.
    """

    vectors: np.ndarray
    queries: np.ndarray


def synthetic_sample(
    num_items: int, num_queries: int, dim: int, seed: int
) -> SampleEmbeddings:
    """Draws vectors and queries from a mixture of Gaussians, scaled to unit length.

    Args:
        num_items: number of vectors, N.
        num_queries: number of queries, Q.
        dim: dimensions, D.
        seed: seed of the random numbers.
    """
    draw = np.random.default_rng(seed)
    centres = draw.standard_normal((_CLUSTERS, dim)) / np.sqrt(dim)
    shares = 1.0 / np.arange(1, _CLUSTERS + 1) ** _CLUSTER_SIZE_EXPONENT
    deviations = np.sqrt(1.0 / (1.0 + np.arange(dim) / _DECAY))
    deviations *= _SPREAD / np.linalg.norm(deviations)
    rotation = np.linalg.qr(draw.standard_normal((dim, dim)))[0].T
    directions = deviations[:, np.newaxis] * rotation

    def sample(count: int) -> np.ndarray:
        clusters = draw.choice(_CLUSTERS, size=count, p=shares / shares.sum())
        return centres[clusters] + draw.standard_normal((count, dim)) @ directions

    return SampleEmbeddings(_in_chunks(sample, num_items), _in_chunks(sample, num_queries))


def resampled(
    embeddings: np.ndarray, queries: np.ndarray, num_items: int, seed: int
) -> SampleEmbeddings:
    """Grows a catalogue to any size with noisy copies of its products.

    The noise is a scaled difference of two other products, so its covariance is
    proportional to the catalogue's.

    Args:
        embeddings: the catalogue, float32 [M, D], unit rows.
        queries: float32 [Q, D], unit rows.
        num_items: number of vectors, N.
        seed: seed of the random numbers.
    """
    draw = np.random.default_rng(seed)

    def sample(count: int) -> np.ndarray:
        own, one, other = draw.integers(len(embeddings), size=(3, count))
        return embeddings[own] + _COPY_NOISE * (embeddings[one] - embeddings[other])

    return SampleEmbeddings(_in_chunks(sample, num_items), queries)


def _in_chunks(sample: Callable[[int], np.ndarray], count: int) -> np.ndarray:
    """float32 [count, D] unit rows from `sample`, in chunks to save memory."""
    parts = []
    for start in range(0, count, _CHUNK_ROWS):
        part = sample(min(_CHUNK_ROWS, count - start))
        parts.append((part / np.linalg.norm(part, axis=1, keepdims=True)).astype("f4"))
    return np.concatenate(parts)


def passing_filter(num_items: int, share: float) -> np.ndarray:
    """Which vectors pass a filter: bool [num_items], the same for each call.

    At random, but the first always passes, so that there is something to find.

    Args:
        num_items: number of vectors.
        share: how many of them pass.
    """
    passing = np.random.default_rng(round(1 / share)).random(num_items) < share
    passing[0] = True
    return passing


def exact_neighbours(sample: SampleEmbeddings, k: int) -> np.ndarray:
    """The true neighbours: the k vectors with the largest inner products.

    Args:
        sample: N vectors and Q queries.
        k: number of neighbours; all N if they are fewer.

    Returns:
        Rows of the vectors, int64 [Q, k], best first.
    """
    best = np.empty((len(sample.queries), 0), np.float32)
    where = np.empty((len(sample.queries), 0), np.int64)
    starts = range(0, len(sample.vectors), _CHUNK_ROWS)
    for start in tqdm(starts, desc="true neighbours", disable=len(starts) == 1 or None):
        scores = sample.queries @ sample.vectors[start : start + _CHUNK_ROWS].T
        numbers = np.broadcast_to(np.arange(scores.shape[1]) + start, scores.shape)
        best = np.concatenate([best, scores], axis=1)
        where = np.concatenate([where, numbers], axis=1)
        if best.shape[1] > k:
            kept = np.argpartition(-best, k - 1, axis=1)[:, :k]
            best = np.take_along_axis(best, kept, axis=1)
            where = np.take_along_axis(where, kept, axis=1)
    order = np.argsort(-best, axis=1, kind="stable")
    return np.take_along_axis(where, order, axis=1)
