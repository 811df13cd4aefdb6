"""Keras' layers on candidate lists, as few and fast ops.

The layers' own calls give the same numbers, but for lists of unknown length Keras makes
twenty ops of a dense layer, normalises by an op for images, and attends by `Einsum`, which
takes twice as long as matrix products.
"""

import tensorflow as tf

from fitrank_tf._legacy import tf_keras, tfr

# What Keras adds to the logits of padding.
_PADDING_LOGIT = -1e9


def dense(layer: tf_keras.layers.Dense, values: tf.Tensor) -> tf.Tensor:
    """A dense layer of each candidate: float32 [B, L, units] of [B, L, N]."""
    rows = layer(tf.reshape(values, [-1, values.shape[-1]]))
    return _as_lists(rows, values)


def layer_norm(layer: tf_keras.layers.LayerNormalization, values: tf.Tensor) -> tf.Tensor:
    """A layer normalisation of each candidate: float32 [B, L, N] of the same."""
    if not layer.built:
        layer(values)
    mean, variance = tf.nn.moments(values, axes=[-1], keepdims=True)
    return tf.nn.batch_normalization(
        values, mean, variance, layer.beta, layer.gamma, layer.epsilon
    )


def attend(
    layer: tfr.keras.layers.DocumentInteractionAttention,
    values: tf.Tensor,
    mask: tf.Tensor,
) -> tf.Tensor:
    """TF-Ranking's attention over lists, without dropout.

    Args:
        layer: with its weights, or not built yet.
        values: float32 [B, L, N].
        mask: bool [B, L], False for padding.

    Returns:
        float32 [B, L, head size].
    """
    if not layer.built:
        layer((values, mask), training=False)
    hidden = dense(layer._input_projection, values)
    # TensorFlow's optimiser does not know the rank of what a served graph passes on, and
    # complains about a softmax of which it does not know it.
    mask = tf.ensure_shape(mask, [None, None])
    padding = tf.where(mask, 0.0, _PADDING_LOGIT)[:, tf.newaxis, tf.newaxis, :]
    for attention, _, norm in layer._attention_layers:
        hidden = layer_norm(norm, hidden + _mixed(attention, hidden, padding))
    return hidden


def _mixed(
    layer: tf_keras.layers.MultiHeadAttention, values: tf.Tensor, padding: tf.Tensor
) -> tf.Tensor:
    """Self-attention, float32 [B, L, N] of the same."""
    flat = tf.reshape(values, [-1, values.shape[-1]])

    def heads(part: tf_keras.layers.EinsumDense) -> tf.Tensor:
        width, *head = part.kernel.shape
        rows = tf.matmul(flat, tf.reshape(part.kernel, [width, -1]))
        rows += tf.reshape(part.bias, [-1])
        lists = tf.reshape(rows, [*tf.unstack(tf.shape(values)[:2]), *head])
        return tf.transpose(lists, [0, 2, 1, 3])

    queries, keys, mixed = map(
        heads, (layer._query_dense, layer._key_dense, layer._value_dense)
    )
    scale = queries.shape[-1] ** -0.5
    logits = tf.matmul(queries * scale, keys, transpose_b=True)
    mixed = tf.matmul(tf.nn.softmax(logits + padding), mixed)
    output = layer._output_dense
    number, size, width = output.kernel.shape
    rows = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [-1, number * size])
    rows = tf.matmul(rows, tf.reshape(output.kernel, [number * size, width]))
    return _as_lists(rows + output.bias, values)


def _as_lists(rows: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """[B, L, M] of [B L, M], with B and L of `values`."""
    return tf.reshape(rows, [*tf.unstack(tf.shape(values)[:2]), rows.shape[1]])
