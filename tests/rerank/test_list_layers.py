"""The faster forms of Keras' layers give the numbers of the layers' own calls."""

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf._legacy import tf_keras, tfr
from fitrank_tf.rerank import list_layers


@pytest.mark.parametrize("real", [[4, 4], [4, 1], [0, 3]])
def test_lists_get_the_numbers_of_keras(real: list[int]) -> None:
    draw = np.random.default_rng(0)
    values = tf.constant(draw.normal(size=(2, 4, 5)), tf.float32)
    mask = tf.sequence_mask(real, 4)
    attention = tfr.keras.layers.DocumentInteractionAttention(
        num_heads=2, head_size=3, num_layers=2
    )
    norm, dense = tf_keras.layers.LayerNormalization(), tf_keras.layers.Dense(3, "gelu")
    found = (
        list_layers.attend(attention, values, mask),
        list_layers.layer_norm(norm, values),
        list_layers.dense(dense, values),
    )
    for layer in (attention, norm, dense):
        for variable in layer.variables:
            variable.assign_add(draw.normal(size=variable.shape))
    again = tf.function(
        lambda values, mask: (
            list_layers.attend(attention, values, mask),
            list_layers.layer_norm(norm, values),
            list_layers.dense(dense, values),
        ),
        input_signature=[
            tf.TensorSpec([None, None, 5], tf.float32),
            tf.TensorSpec([None, None], tf.bool),
        ],
    )(values, mask)
    wanted = (attention((values, mask), training=False), norm(values), dense(values))
    for before, ours, keras in zip(found, again, wanted):
        assert before.shape == ours.shape
        np.testing.assert_allclose(ours, keras, atol=1e-5)
