"""Contributions to a re-ranker's score, in words."""

from collections.abc import Sequence

import tensorflow as tf

# Smaller contributions are not mentioned.
_LEAST = 0.005
_MOST_NAMED = 3


def score_contributions(facets: Sequence[str]) -> tuple[str, ...]:
    """Returns the names of the contributions, in the order of `Reranker.explain`."""
    return ("similarity", *facets, "photo")


def explanations(contributions: tf.Tensor, names: Sequence[str]) -> tf.Tensor:
    """Names the largest contributions to scores; runs eagerly and in a served graph.

    Args:
        contributions: float [..., parts], as of `Reranker.explain`.
        names: of the parts, as of `score_contributions`.

    Returns:
        string [...], the strongest contribution first, such as "colour +1.20, similarity
        -0.31".
    """
    contributions = tf.convert_to_tensor(contributions)
    strength, places = tf.math.top_k(tf.abs(contributions), k=min(_MOST_NAMED, len(names)))
    values = tf.gather(contributions, places, batch_dims=contributions.shape.rank - 1)
    signs = tf.where(values < 0.0, " -", " +")
    numbers = tf.strings.as_string(strength, precision=2)
    texts = tf.strings.join([tf.gather(tf.constant(names), places), signs, numbers])
    texts = tf.where(strength >= _LEAST, texts, "")
    joined = tf.strings.reduce_join(texts, axis=-1, separator=", ")
    return tf.strings.regex_replace(joined, r"(, )+$", "")
