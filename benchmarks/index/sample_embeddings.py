"""Catalogues of any size to time an index with: unit vectors that lie as embeddings do."""

import dataclasses

import numpy as np
from tqdm import tqdm

# Products come in kinds, and few kinds have most of the products.
_KINDS = 500
_KINDS_EXPONENT = 0.7
# How far a product lies from the middle of its kind, the middles being of length 1.
_SPREAD = 0.9
# Variances within a kind fall as 1 / (1 + rank / this): embeddings fill few directions.
_DECAY = 8.0
# How far a copy of a product lies from it, as a share of two products' distance.
_COPY_NOISE = 0.3
_AT_ONCE = 50_000


@dataclasses.dataclass(frozen=True)
class SampleEmbeddings:
    """What is searched, and what for.

    Attributes:
        vectors: float32 [N, D], unit rows.
        queries: float32 [Q, D], unit rows; none is one of the vectors.
    """

    vectors: np.ndarray
    queries: np.ndarray


def synthetic_sample(
    num_items: int, num_queries: int, dim: int, seed: int
) -> SampleEmbeddings:
    """A mixture of Gaussians on the sphere, queries drawn as the items are.

    Args:
        num_items: N.
        num_queries: Q.
        dim: D.
        seed: of everything.
    """
    draw = np.random.default_rng(seed)
    middles = draw.standard_normal((_KINDS, dim)) / np.sqrt(dim)
    shares = 1.0 / np.arange(1, _KINDS + 1) ** _KINDS_EXPONENT
    deviations = np.sqrt(1.0 / (1.0 + np.arange(dim) / _DECAY))
    deviations *= _SPREAD / np.linalg.norm(deviations)
    turned = np.linalg.qr(draw.standard_normal((dim, dim)))[0].T
    directions = deviations[:, np.newaxis] * turned

    def some(count: int) -> np.ndarray:
        kinds = draw.choice(_KINDS, size=count, p=shares / shares.sum())
        return middles[kinds] + draw.standard_normal((count, dim)) @ directions

    return SampleEmbeddings(_in_parts(some, num_items), _in_parts(some, num_queries))


def resampled(
    embeddings: np.ndarray, queries: np.ndarray, num_items: int, seed: int
) -> SampleEmbeddings:
    """A catalogue grown to any size: copies of its products with noise.

    The noise is the difference of two other products, made small, so that it goes where
    the catalogue itself goes.

    Args:
        embeddings: float32 [M, D], the catalogue's, unit rows.
        queries: float32 [Q, D], unit rows.
        num_items: N.
        seed: of everything.
    """
    draw = np.random.default_rng(seed)

    def some(count: int) -> np.ndarray:
        own, one, other = draw.integers(len(embeddings), size=(3, count))
        return embeddings[own] + _COPY_NOISE * (embeddings[one] - embeddings[other])

    return SampleEmbeddings(_in_parts(some, num_items), queries)


def _in_parts(some, count: int) -> np.ndarray:
    """float32 [count, D] unit rows of what `some` draws, without a float64 of them all."""
    parts = []
    for start in range(0, count, _AT_ONCE):
        part = some(min(_AT_ONCE, count - start))
        parts.append((part / np.linalg.norm(part, axis=1, keepdims=True)).astype("f4"))
    return np.concatenate(parts)


def exact_neighbours(sample: SampleEmbeddings, k: int) -> np.ndarray:
    """The truth: the k vectors with the largest inner product, best first.

    Args:
        sample: N vectors and Q queries.
        k: at most N.

    Returns:
        int64 [Q, k].
    """
    best = np.empty((len(sample.queries), 0), np.float32)
    where = np.empty((len(sample.queries), 0), np.int64)
    starts = range(0, len(sample.vectors), _AT_ONCE)
    for start in tqdm(starts, desc="true neighbours", disable=len(starts) == 1 or None):
        scores = sample.queries @ sample.vectors[start : start + _AT_ONCE].T
        numbers = np.broadcast_to(np.arange(scores.shape[1]) + start, scores.shape)
        best = np.concatenate([best, scores], axis=1)
        where = np.concatenate([where, numbers], axis=1)
        if best.shape[1] > k:
            kept = np.argpartition(-best, k - 1, axis=1)[:, :k]
            best = np.take_along_axis(best, kept, axis=1)
            where = np.take_along_axis(where, kept, axis=1)
    order = np.argsort(-best, axis=1, kind="stable")
    return np.take_along_axis(where, order, axis=1)
