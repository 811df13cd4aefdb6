"""A contrastive batch several times over, for a step that takes it in parts."""

import tensorflow as tf


def in_parts(
    batches: tf.data.Dataset, steps_per_epoch: int, parts: int
) -> tuple[tf.data.Dataset, int]:
    """Each batch once for each of its parts, in order.

    Args:
        batches: dicts of a batch's inputs.
        steps_per_epoch: batches of a pass.
        parts: of a batch; 1 leaves all as it is.

    Returns:
        (dataset of the same dicts with `part` int32 [1] added, steps of a pass), what
        `CachedContrastiveModel` reads.
    """
    if parts == 1:
        return batches, steps_per_epoch
    numbers = tf.data.Dataset.range(parts, output_type=tf.int32)
    repeated = batches.flat_map(
        lambda batch: numbers.map(lambda part: {**batch, "part": part[None]})
    )
    return repeated, steps_per_epoch * parts
