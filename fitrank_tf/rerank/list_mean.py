"""The mean over a query's candidates, padding apart."""

import tensorflow as tf


def list_mean(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean of each number over the real candidates.

    Args:
        values: float [B, L, N].
        mask: bool [B, L].

    Returns:
        float [B, 1, N], 0 for a list of padding alone.
    """
    real = tf.cast(mask, values.dtype)[..., tf.newaxis]
    count = tf.maximum(tf.reduce_sum(real, axis=1, keepdims=True), 1.0)
    return tf.reduce_sum(values * real, axis=1, keepdims=True) / count
