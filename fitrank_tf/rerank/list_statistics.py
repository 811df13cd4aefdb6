"""Statistics of features over the candidates of a list, without padding."""

import tensorflow as tf


def list_mean(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the mean of each feature over the real candidates.

    Args:
        values: float [B, L, N].
        mask: bool [B, L], False for padding.

    Returns:
        float [B, 1, N], 0 for a list of padding alone.
    """
    real = tf.cast(mask, values.dtype)[..., tf.newaxis]
    count = tf.maximum(tf.reduce_sum(real, axis=1, keepdims=True), 1.0)
    return tf.reduce_sum(values * real, axis=1, keepdims=True) / count


def less_list_mean(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Subtracts from each feature its mean over the list.

    Args:
        values: float [B, L, N].
        mask: bool [B, L], False for padding.

    Returns:
        float [B, L, N], 0 for padding.
    """
    real = tf.cast(mask, values.dtype)[..., tf.newaxis]
    return real * (values - list_mean(values, mask))


def list_z_scores(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns z-scores of each feature over the list.

    Args:
        values: float [B, L, N].
        mask: bool [B, L], False for padding.

    Returns:
        float [B, L, N], 0 for padding.
    """
    centred = less_list_mean(values, mask)
    return centred / tf.sqrt(list_mean(tf.square(centred), mask) + 1e-6)


def gap_to_best(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the difference of each feature from the greatest of the list.

    Args:
        values: float [B, L, N].
        mask: bool [B, L], False for padding.

    Returns:
        float [B, L, N], 0 for the best and for padding, below 0 for the others.
    """
    values, mask = tf.convert_to_tensor(values), mask[..., tf.newaxis]
    real = tf.where(mask, values, values.dtype.min)
    gaps = real - tf.reduce_max(real, axis=1, keepdims=True)
    return tf.where(mask, gaps, tf.zeros_like(gaps))
