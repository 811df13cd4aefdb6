"""A contrastive batch several times over, for a step that takes it in parts."""

import tensorflow as tf

from fitrank_tf.inputs.contrastive import BatchesBetween


def split_into_microbatches(
    batches: BatchesBetween, steps_per_epoch: int, parts: int
) -> tuple[BatchesBetween, int]:
    """Each batch once for each of its parts, in order.

    Args:
        batches: those between two of them, dicts of a batch's inputs.
        steps_per_epoch: batches of a pass.
        parts: of a batch; 1 leaves all as it is.

    Returns:
        (what gives the same dicts with `part` int32 [1] added, between two steps of which
        each is one part; steps of a pass), as `CachedContrastiveModel` reads them.
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
