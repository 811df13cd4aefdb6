"""Batches of candidate lists for the re-ranker."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf

from fitrank_tf.datasets.iteration import without_autotune


@dataclasses.dataclass(frozen=True)
class ProductTables:
    """Embeddings, features and facet probabilities of a catalogue's N products.

    Attributes:
        embeddings: float32 [N, D], unit image embeddings.
        features: float32 [N, F], feature vectors.
        facet_probs: float32 [N, V], probability of each facet value, by `FacetHeads`.
    """

    embeddings: np.ndarray
    features: np.ndarray
    facet_probs: np.ndarray

    @functools.cached_property
    def constants(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Features and facet probabilities as tensors, which all batches share."""
        return tf.constant(self.features), tf.constant(self.facet_probs)

    def select(self, rows: np.ndarray) -> "ProductTables":
        """The tables of some products, in the order of `rows` (int [M])."""
        return ProductTables(
            self.embeddings[rows], self.features[rows], self.facet_probs[rows]
        )


@dataclasses.dataclass(frozen=True)
class ListArrays:
    """Q candidate lists as arrays.

    Attributes:
        queries: float32 [Q, D], query embeddings.
        query_facets: float32 [Q, V], 1 for the facet values that the query names, else 0.
        positions: int32 [Q, L], rows of the candidates in the catalogue, -1 for padding.
        scores: float32 [Q, L], scores of the first stage.
        labels: float32 [Q, L], grades, -1 for padding and for what nobody graded.
        weights: float32 [Q, L], of the labels in a loss.
    """

    queries: np.ndarray
    query_facets: np.ndarray
    positions: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.positions)

    def select(self, rows: np.ndarray) -> "ListArrays":
        """Some of the lists, in the order of `rows` (int [M])."""
        return ListArrays(*(array[rows] for array in self._arrays()))

    def at(self, rows: np.ndarray) -> "ListArrays":
        """The same lists, with product i at row `rows[i]` of another catalogue."""
        inside = self.positions >= 0
        positions = np.full_like(self.positions, -1)
        positions[inside] = rows[self.positions[inside]]
        return dataclasses.replace(self, positions=positions)

    def followed_by(self, others: "ListArrays") -> "ListArrays":
        """These lists followed by others of the same length and catalogue."""
        pairs = zip(self._arrays(), others._arrays())
        return ListArrays(*(np.concatenate(pair) for pair in pairs))

    def shuffled(self, seed: int) -> "ListArrays":
        """The lists in the random order of a seed."""
        return self.select(np.random.default_rng(seed).permutation(len(self)))

    def repeated(self, times: int) -> "ListArrays":
        """All lists, so many times."""
        return self.select(np.tile(np.arange(len(self)), times))

    def training_batches(self, tables: ProductTables, batch_size: int) -> tf.data.Dataset:
        """`batches` with a third element, the weights [B, L] of the labels."""
        weights = tf.data.Dataset.from_tensor_slices(self.weights).batch(batch_size)
        pairs = tf.data.Dataset.zip(self.batches(tables, batch_size), weights)
        return pairs.map(lambda batch, weight: (*batch, weight))

    def batches(self, tables: ProductTables, batch_size: int) -> tf.data.Dataset:
        """Batches of the lists in order, with features gathered by position.

        Gathering in the pipeline keeps only some batches in memory: the features of 100
        candidates are a thousand times the size of their positions.

        Args:
            tables: of the catalogue that the positions refer to.
            batch_size: lists of a batch.

        Returns:
            Dataset of (dict with `query` [B, D], `query_facets` [B, V], `features`
            [B, L, F], `facet_probs` [B, L, V], `first_stage` [B, L], `mask` bool [B, L];
            labels [B, L]).
        """
        features, facet_probs = tables.constants

        def gather_candidates(
            query: tf.Tensor,
            query_facets: tf.Tensor,
            position: tf.Tensor,
            score: tf.Tensor,
            label: tf.Tensor,
        ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
            mask = position >= 0
            rows = tf.maximum(position, 0)
            inputs = {
                "query": query,
                "query_facets": query_facets,
                "features": tf.gather(features, rows),
                "facet_probs": tf.gather(facet_probs, rows),
                "first_stage": tf.where(mask, score, 0.0),
                "mask": mask,
            }
            return inputs, label

        lists = tf.data.Dataset.from_tensor_slices(self._arrays()[:-1])
        return (
            without_autotune(lists)
            .batch(batch_size)
            .map(gather_candidates, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE)
        )

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(getattr(self, field.name) for field in dataclasses.fields(self))


def empty_lists(embedding_dim: int, num_values: int, size: int) -> ListArrays:
    """Empty `ListArrays`, for no queries.

    Args:
        embedding_dim: D.
        num_values: V.
        size: L.
    """
    widths = (embedding_dim, num_values, size, size, size, size)
    arrays = [np.zeros((0, width), np.float32) for width in widths]
    arrays[2] = arrays[2].astype(np.int32)
    return ListArrays(*arrays)
