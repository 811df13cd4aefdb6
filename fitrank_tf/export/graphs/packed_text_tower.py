"""The served text tower: skips padding and computations that do not reach an embedding.

The same numbers as `Towers.encode_tokens`. All texts' tokens lie one behind the other, so
that a batch costs as much as its tokens and not as much as its longest text; only attention
sees rectangles. Of the last block only the end marks go on: the embedding is made of them.
"""

from collections.abc import Iterable
from typing import NamedTuple

import keras
import tensorflow as tf

from fitrank_tf.towers.towers import Towers, unit


class _Packing(NamedTuple):
    """How T tokens of B texts, L in the longest, lie in a row and in a rectangle.

    Attributes:
        places: int64 [T, 2], text and position of each token.
        slots: int32 [B, L], the token at each place; any for padding.
        ends: int32 [B], the token that ends each text.
        real: bool [B, L], which places hold a token.
    """

    places: tf.Tensor
    slots: tf.Tensor
    ends: tf.Tensor
    real: tf.Tensor

    @classmethod
    def of(cls, lengths: tf.Tensor) -> "_Packing":
        longest = tf.reduce_max(tf.concat([[1], lengths], axis=0))
        real = tf.sequence_mask(lengths, longest)
        places = tf.where(real)
        count = tf.shape(places)[0]
        slots = tf.scatter_nd(places, tf.range(count), tf.shape(real, out_type=tf.int64))
        return cls(places, slots, tf.cumsum(lengths) - 1, real)


class PackedTextTower(tf.Module):
    """Token ids to unit embeddings, in TensorFlow ops.

    Args:
        towers: trained; adapters may be on.
    """

    def __init__(self, towers: Towers):
        super().__init__(name="packed_text_tower")
        backbone = towers.backbone
        self._encoder, self._projection = backbone.text_encoder, backbone.text_projection
        # A SavedModel holds what a module has: Keras' variables do not show as such.
        variables = [*self._encoder.variables, *self._projection.variables]
        self.variables_of_keras = [variable.value for variable in variables]

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """Unit embeddings.

        Args:
            ids: int32 [B, C], each text's end mark the largest of its numbers, as CLIP's
                own pooling takes it.

        Returns:
            float32 [B, D].
        """
        packing = _Packing.of(tf.argmax(ids, axis=1, output_type=tf.int32) + 1)
        tokens = self._embed(ids, packing)
        *blocks, last = self._encoder.encoder_layers
        for block in blocks:
            keys_of = block.layer_norm_1(tokens)
            tokens = _after_attention(block, tokens, _attend(block, keys_of, packing))
        attended = _attend_at_ends(last, last.layer_norm_1(tokens), packing)
        ends = _after_attention(last, tf.gather(tokens, packing.ends), attended)
        return unit(self._projection(self._encoder.layer_norm(ends)))

    def _embed(self, ids: tf.Tensor, packing: _Packing) -> tf.Tensor:
        """float32 [T, W]."""
        embedding = self._encoder.embedding
        positions = embedding.position_embedding.position_embeddings
        return embedding.token_embedding(tf.gather_nd(ids, packing.places)) + tf.gather(
            tf.convert_to_tensor(positions), packing.places[:, 1]
        )


def _after_attention(
    block: keras.Layer, tokens: tf.Tensor, attended: tf.Tensor
) -> tf.Tensor:
    """The rest of a CLIP block, [rows, W] from what came in and what was attended to."""
    tokens += attended
    hidden = block.activation(block.dense_1(block.layer_norm_2(tokens)))
    return tokens + block.dense_2(hidden)


def _attend(block: keras.Layer, tokens: tf.Tensor, packing: _Packing) -> tf.Tensor:
    """Attention of every token to those before it and to itself, [T, W]."""
    attention = block.attention
    queries, keys, values = (
        _heads(_projected(layer, tokens), packing.slots)
        for layer in _projections(attention)
    )
    length = tf.shape(packing.slots)[1]
    before = tf.linalg.band_part(tf.ones([length, length], tf.bool), -1, 0)
    mixed = _mixed(queries, keys, values, before)
    rows = tf.gather_nd(tf.transpose(mixed, [0, 2, 1, 3]), packing.places)
    return _joined(attention, rows)


def _attend_at_ends(block: keras.Layer, tokens: tf.Tensor, packing: _Packing) -> tf.Tensor:
    """Attention of each text's end to the whole text, [B, W]."""
    attention = block.attention
    query, key, value = _projections(attention)
    queries = _projected(query, tf.gather(tokens, packing.ends))[:, :, tf.newaxis, :]
    keys, values = (
        _heads(_projected(layer, tokens), packing.slots) for layer in (key, value)
    )
    mixed = _mixed(queries, keys, values, packing.real[:, tf.newaxis, tf.newaxis, :])
    return _joined(attention, mixed[:, :, 0, :])


def _projections(attention: keras.layers.MultiHeadAttention) -> Iterable[keras.Layer]:
    return attention._query_dense, attention._key_dense, attention._value_dense


def _projected(layer: keras.layers.EinsumDense, tokens: tf.Tensor) -> tf.Tensor:
    """[rows, heads, head width] of [rows, W]."""
    kernel = tf.convert_to_tensor(layer.kernel)
    width, heads, head_width = kernel.shape
    rows = tf.matmul(tokens, tf.reshape(kernel, [width, heads * head_width]))
    rows += tf.reshape(tf.convert_to_tensor(layer.bias), [-1])
    return tf.reshape(rows, [-1, heads, head_width])


def _heads(rows: tf.Tensor, slots: tf.Tensor) -> tf.Tensor:
    """[B, heads, L, head width] of [T, heads, head width]."""
    return tf.transpose(tf.gather(rows, slots), [0, 2, 1, 3])


def _mixed(
    queries: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, seen: tf.Tensor
) -> tf.Tensor:
    """Softmax attention, [B, heads, queries, head width]."""
    scale = queries.shape[-1] ** -0.5
    logits = tf.matmul(queries * scale, keys, transpose_b=True)
    weights = tf.nn.softmax(tf.where(seen, logits, logits.dtype.min))
    return tf.matmul(weights, values)


def _joined(attention: keras.layers.MultiHeadAttention, rows: tf.Tensor) -> tf.Tensor:
    """The output projection, [rows, W] of [rows, heads, head width]."""
    layer = attention._output_dense
    kernel = tf.convert_to_tensor(layer.kernel)
    heads, head_width, width = kernel.shape
    flat = tf.reshape(rows, [-1, heads * head_width])
    joined = tf.matmul(flat, tf.reshape(kernel, [heads * head_width, width]))
    return joined + tf.convert_to_tensor(layer.bias)
