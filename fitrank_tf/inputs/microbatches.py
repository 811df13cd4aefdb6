"""Microbatches: each contrastive batch is repeated once for each of its parts."""

import tensorflow as tf

from fitrank_tf.inputs.contrastive import BatchesBetween


def split_into_microbatches(
    batches: BatchesBetween, steps_per_epoch: int, parts: int
) -> tuple[BatchesBetween, int]:
    """Repeats each batch once for each of its parts, as `GradCacheModel` reads them.

    Args:
        batches: function of two steps that returns the batches between them, as dicts.
        steps_per_epoch: batches of an epoch.
        parts: microbatches of a batch; 1 changes nothing.

    Returns:
        (function of two steps that returns the same dicts with the number of the part,
        `part` int32 [1], where a step is one part; number of steps of an epoch).
    """
    if parts == 1:
        return batches, steps_per_epoch
    numbers = tf.data.Dataset.range(parts, output_type=tf.int32)

    def between(first: int, end: int) -> tf.data.Dataset:
        whole = batches(first // parts, -(-end // parts))
        repeated = whole.flat_map(
            lambda batch: numbers.map(lambda part: {**batch, "part": part[None]})
        )
        return repeated.skip(first % parts).take(end - first)

    return between, steps_per_epoch * parts
