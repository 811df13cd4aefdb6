"""Batches of candidate lists for the re-ranker."""

import numpy as np
import tensorflow as tf

from fitrank_tf.datasets.iteration import closing_at_once


def listwise_batches(
    query_embeddings: np.ndarray,
    positions: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    image_embeddings: np.ndarray,
    features: np.ndarray,
    batch_size: int,
) -> tf.data.Dataset:
    """Lists in order, the candidates' embeddings and features looked up by position.

    Looking up in the pipeline keeps memory at one batch of lists: a list of 100
    candidates is a thousand times the size of its positions.

    Args:
        query_embeddings: float32 [Q, D].
        positions: int32 [Q, L], -1 for padding.
        scores: float32 [Q, L], the first stage's.
        labels: float32 [Q, L], -1 for padding.
        image_embeddings: float32 [N, D] of the catalogue.
        features: float32 [N, F] of the catalogue.
        batch_size: lists of a batch.

    Returns:
        Dataset of (dict with `query` [B, D], `images` [B, L, D], `features`
        [B, L, F], `first_stage` [B, L], `mask` bool [B, L]; labels [B, L]).
    """
    embedding_table, feature_table = tf.constant(image_embeddings), tf.constant(features)

    def look_up(query, position, score, label):
        mask = position >= 0
        rows = tf.maximum(position, 0)
        inputs = {
            "query": query,
            "images": tf.gather(embedding_table, rows),
            "features": tf.gather(feature_table, rows),
            "first_stage": tf.where(mask, score, 0.0),
            "mask": mask,
        }
        return inputs, label

    lists = tf.data.Dataset.from_tensor_slices(
        (query_embeddings, positions, scores, labels)
    )
    return (
        closing_at_once(lists)
        .batch(batch_size)
        .map(look_up, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def shuffled(
    query_embeddings: np.ndarray,
    positions: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, ...]:
    """The lists in a random order fixed by the seed."""
    order = np.random.default_rng(seed).permutation(len(positions))
    return tuple(array[order] for array in (query_embeddings, positions, scores, labels))
