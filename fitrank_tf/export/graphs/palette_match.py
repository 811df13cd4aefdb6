"""How far products' colours are from those that a request names, in a graph."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from keras import ops

from fitrank_tf.core.ciede2000 import difference
from fitrank_tf.features.colour.palette import dominant_colours
from fitrank_tf.features.schema import FeatureSchema

# What a product loses for each unit of CIEDE2000 between its palette and a colour of
# weight 1.
_COLOUR_WEIGHT = 0.05
# Of products without a palette: farther than any two colours of sRGB are.
_NONE = 120.0


def palette_table(features: np.ndarray, schema: FeatureSchema) -> np.ndarray:
    """What a search stores of the palettes of N products: float32 [N, 5, 4].

    CIE L, a, b of the dominant colours, and their shares; see `dominant_colours`.
    """
    lab, shares = dominant_colours(features, schema)
    return np.concatenate([lab, shares[..., np.newaxis]], axis=-1, dtype=np.float32)


def palette_part(colours: tf.Tensor, palette: Callable[[], tf.Tensor]) -> tf.Tensor:
    """What the asked colours take from the scores of candidates: float32 [batch, L].

    Args:
        colours: float32 [batch, 4, 4], as of `palette_distance`.
        palette: gives the candidates' palettes, [batch, L, P, 4], where a colour is asked.
    """
    counts = tf.math.count_nonzero(colours[..., 3], axis=1, dtype=tf.int32)
    named = colours[:, : tf.reduce_max(counts)]
    return tf.cond(
        tf.size(named) > 0,
        lambda: -_COLOUR_WEIGHT * palette_distance(named, palette()),
        lambda: tf.zeros([1, 1]),
    )


def palette_distance(colours: tf.Tensor, palette: tf.Tensor) -> tf.Tensor:
    """Mean CIEDE2000 distance of a palette, each colour by its share, from the asked one,
    times the weight of this. Of several asked colours that of the least product counts.

    Args:
        colours: float32 [batch, C, 4]: CIE L, a, b of the asked colours, and the weight of
            each; zeros for padding.
        palette: float32 [batch, L, P, 4]: CIE L, a, b of the products' dominant colours,
            and their shares; zeros for padding.

    Returns:
        float32 [batch, L]; 0 where no colour is asked for.
    """
    asked = colours[:, tf.newaxis, :, tf.newaxis]
    apart = difference(palette[:, :, tf.newaxis, :, :3], asked[..., :3], ops)
    shares = palette[:, :, tf.newaxis, :, 3]
    total = tf.reduce_sum(shares, axis=-1)
    mean = tf.math.divide_no_nan(tf.reduce_sum(apart * shares, axis=-1), total)
    weights = colours[:, tf.newaxis, :, 3]
    is_asked = weights > 0.0
    mean = weights * tf.where(total > 0.0, mean, _NONE)
    nearest = tf.reduce_min(tf.where(is_asked, mean, _NONE), axis=-1)
    return tf.where(tf.reduce_any(is_asked, axis=-1), nearest, 0.0)
