"""Reads numbers at places of a file, in a graph."""

from collections.abc import Callable

import tensorflow as tf


def number_reader(
    data: tf.Tensor, little: tf.Tensor | bool = False
) -> Callable[[tf.Tensor, int], tf.Tensor]:
    """A function that reads unsigned numbers.

    Args:
        data: string scalar, the bytes, at least one.
        little: whether the least significant byte comes first.

    Returns:
        A function of int64 places [N] and a length in bytes, up to 4, which gives int64
        [N]. Bytes outside the file are 0.
    """
    values = tf.cast(tf.io.decode_raw(data, tf.uint8), tf.int64)
    size = tf.size(values, tf.int64)

    def read(places: tf.Tensor, length: int) -> tf.Tensor:
        at = places[:, tf.newaxis] + tf.range(length, dtype=tf.int64)
        found = tf.gather(values, tf.clip_by_value(at, 0, size - 1))
        found = tf.where((at >= 0) & (at < size), found, 0)
        found = tf.where(little, tf.reverse(found, [1]), found)
        weights = [256 ** (length - 1 - place) for place in range(length)]
        return tf.reduce_sum(found * tf.constant(weights, tf.int64), axis=1)

    return read
