"""Batches for contrastive training: photos, a text for each, and groups of equal title."""

from collections.abc import Callable

import tensorflow as tf

from fitrank_tf.datasets.iteration import without_autotune
from fitrank_tf.inputs.contrastive_table import ContrastiveTable
from fitrank_tf.inputs.images import augment

_SHUFFLE_BUFFER = 8192

# (first, end) -> the batches `first` .. `end` - 1 of a training, counted from its start
# over all epochs. A batch of a number is always the same, so that training can resume at
# any step.
BatchesBetween = Callable[[int, int], tf.data.Dataset]


def contrastive_batches(
    numbered_photos: tf.data.Dataset, table: ContrastiveTable, batch_size: int, seed: int
) -> tuple[BatchesBetween, int]:
    """Shuffled, augmented batches; order, texts and augmentation differ by epoch.

    Args:
        numbered_photos: Dataset of (row of the table, uint8 [S, S, 3]).
        table: texts, groups, facet codes and features of the products.
        batch_size: pairs of a batch; at most the number of products is used.
        seed: of the order, the drawn texts and the augmentation of all epochs.

    Returns:
        (function of two steps that returns a dataset of input dicts for `ContrastiveModel`,
        number of batches of an epoch). The last, smaller batch of an epoch is left out:
        fewer negatives are an easier task.

    Raises:
        FitRankError: with fewer than two products, or if a feature is not finite.
    """
    table.check()
    count = len(table.groups)
    batch_size = min(batch_size, count)
    steps, make = count // batch_size, _make_batch(table, seed)

    def shuffled(epoch: tf.Tensor) -> tf.data.Dataset:
        order = _order_seed(seed, epoch)
        return numbered_photos.shuffle(
            min(count, _SHUFFLE_BUFFER), seed=order, reshuffle_each_iteration=False
        ).batch(batch_size, drop_remainder=True)

    def between(first: int, end: int) -> tf.data.Dataset:
        epochs = tf.data.Dataset.range(first // steps, -(-end // steps))
        batches = _spread_by_rows(without_autotune(epochs)).flat_map(shuffled)
        return (
            tf.data.Dataset.zip(
                tf.data.Dataset.range(first, end), batches.skip(first % steps)
            )
            .map(make, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE)
        )

    return between, steps


def _order_seed(seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """An epoch's shuffle seed, int64 scalar; called while tf.data traces `shuffled`."""
    # `shuffle` mixes in the global seed, which differs when a run is resumed. Inside a
    # traced function this sets the seed of the function's graph, not the global one.
    tf.random.set_seed(1)
    drawing = tf.stack([tf.constant(seed, tf.int64), -1 - epoch])
    return tf.random.stateless_uniform([], drawing, maxval=2**31 - 1, dtype=tf.int64)


def _spread_by_rows(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Shards by row: several machines read parts of the same batches, not other files."""
    options = tf.data.Options()
    policy = tf.data.experimental.AutoShardPolicy.DATA
    options.experimental_distribute.auto_shard_policy = policy
    return dataset.with_options(options)


def _make_batch(
    table: ContrastiveTable, seed: int
) -> Callable[[tf.Tensor, tuple[tf.Tensor, tf.Tensor]], dict[str, tf.Tensor]]:
    token_ids, groups = tf.constant(table.token_ids), tf.constant(table.groups)
    product_codes, text_codes = (
        tf.constant(table.product_codes),
        tf.constant(table.text_codes),
    )
    features = None if table.features is None else tf.constant(table.features)
    texts = table.token_ids.shape[1]

    def make(
        number: tf.Tensor, photo_batch: tuple[tf.Tensor, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        rows, images = photo_batch
        drawing = tf.stack([tf.constant(seed, tf.int64), number])
        drawn = tf.random.stateless_uniform(
            tf.shape(rows), drawing + 1, maxval=texts, dtype=tf.int64
        )
        text = tf.stack([rows, drawn], axis=1)
        batch = {
            "images": augment(images, drawing),
            "token_ids": tf.gather_nd(token_ids, text),
            "groups": tf.gather(groups, rows),
            "product_codes": tf.gather(product_codes, rows),
            "text_codes": tf.gather_nd(text_codes, text),
        }
        if features is not None:
            batch["features"] = tf.gather(features, rows)
        return batch

    return make
