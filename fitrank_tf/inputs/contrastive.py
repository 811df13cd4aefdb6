"""Batches for contrastive training: photos, one text each, and who is a twin."""

import dataclasses

import numpy as np
import tensorflow as tf

from fitrank_tf.errors import FitRankError
from fitrank_tf.inputs.images import augment

_SHUFFLE_BUFFER = 8192


@dataclasses.dataclass(frozen=True)
class ContrastiveTable:
    """What goes with the photos, row by row.

    Attributes:
        token_ids: int32 [N, T, L], the T texts of a product to draw from.
        groups: int32 [N], equal for products of equal title.
        has: int32 [N, F], codes of the products' facets, 0 for "not known".
        asks: int32 [N, T, F], codes of what each text asks for, 0 for "anything".
        features: float32 [N, F], or None.
    """

    token_ids: np.ndarray
    groups: np.ndarray
    has: np.ndarray
    asks: np.ndarray
    features: np.ndarray | None = None


def contrastive_batches(
    numbered_photos: tf.data.Dataset, table: ContrastiveTable, batch_size: int, seed: int
) -> tuple[tf.data.Dataset, int]:
    """One epoch of shuffled, augmented batches; each pass draws anew.

    Args:
        numbered_photos: (position in the table, uint8 [S, S, 3]).
        table: texts, twins and features.
        batch_size: pairs of a batch; cut to what there is.
        seed: decides order, texts and augmentation.

    Returns:
        (dataset of input dicts for `ContrastiveModel`, batches of a pass). The
        last, smaller batch is left out: fewer negatives are an easier task.

    Raises:
        FitRankError: with fewer than two products, or a feature that is no number.
    """
    count = len(table.groups)
    if count < 2:
        raise FitRankError(
            f"contrastive training needs at least 2 products, the training split "
            f"has {count}; give a larger catalogue"
        )
    _check_features(table.features)
    batch_size = min(batch_size, count)
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
    batches = (
        numbered_photos.shuffle(min(count, _SHUFFLE_BUFFER), seed=seed)
        .batch(batch_size, drop_remainder=True)
        .apply(lambda dataset: tf.data.Dataset.zip(dataset, seeds))
        .map(_make_batch(table), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
    )
    return batches, count // batch_size


def _check_features(features: np.ndarray | None) -> None:
    if features is None or np.isfinite(features).all():
        return
    row, column = np.argwhere(~np.isfinite(features))[0]
    raise FitRankError(
        f"feature {column} of training product {row} (counted from 0) is "
        f"{features[row, column]}, so every loss would be; make the features anew "
        "(--fresh)"
    )


def _make_batch(table: ContrastiveTable):
    token_ids, groups = tf.constant(table.token_ids), tf.constant(table.groups)
    has, asks = tf.constant(table.has), tf.constant(table.asks)
    features = None if table.features is None else tf.constant(table.features)
    texts = table.token_ids.shape[1]

    def make(photo_batch, seed):
        rows, images = photo_batch
        seed = tf.bitcast(seed, tf.int64)
        drawn = tf.random.stateless_uniform(
            tf.shape(rows), seed + 1, maxval=texts, dtype=tf.int64
        )
        text = tf.stack([rows, drawn], axis=1)
        batch = {
            "images": augment(images, seed),
            "token_ids": tf.gather_nd(token_ids, text),
            "groups": tf.gather(groups, rows),
            "has": tf.gather(has, rows),
            "asks": tf.gather_nd(asks, text),
        }
        if features is not None:
            batch["features"] = tf.gather(features, rows)
        return batch

    return make
