"""BM25 of a query against the texts of the products, in stock TensorFlow ops."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from fitrank_tf.rerank.match_features import UNWANTED_WEIGHT
from fitrank_tf.retrieval.bm25 import Bm25Index

# Score of the product whose title matches best, above one of which no word is asked for.
_TEXT_WEIGHT = 3.0


class TextMatch(tf.Module):
    """Words to scores; runs eagerly and in a served graph.

    A query costs the postings of its terms. They are read one query after another, a term
    once: a batch of queries of nothing but common words needs no more memory than the
    scores and ten times the index.

    Args:
        index: of N products' texts.
    """

    def __init__(self, index: Bm25Index):
        super().__init__(name="text_match")
        self._terms = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(list(index.terms) or [""]),
                tf.constant(list(index.terms.values()) or [-1], tf.int32),
            ),
            default_value=-1,
        )
        self._splits = _fixed(index.splits)
        self._products = _fixed(index.products)
        self._weights = _fixed(index.weights)
        self._size = index.num_products

    def __call__(self, words: tf.Tensor) -> tf.Tensor:
        """How well each product's text answers each query: `Bm25Index.scores`.

        Args:
            words: string [batch, T] in lower case, "" for padding.

        Returns:
            float32 [batch, N]: 0 for a product without a word of the query.
        """
        products, weights = (
            tf.RaggedTensor.from_row_splits(values, self._splits, validate=False)
            for values in (self._products, self._weights)
        )

        def score(terms: tf.Tensor) -> tf.Tensor:
            known, _ = tf.unique(tf.boolean_mask(terms, terms >= 0))
            found, worth = tf.gather(products, known), tf.gather(weights, known)
            return tf.math.unsorted_segment_sum(worth.values, found.values, self._size)

        spec = tf.TensorSpec([self._size], tf.float32)
        return tf.map_fn(score, self._terms.lookup(words), fn_output_signature=spec)


def title_match(titles: Sequence[str]) -> TextMatch | None:
    """The match of the products' titles; None if no product has one."""
    if not any(title.strip() for title in titles):
        return None
    return TextMatch(Bm25Index.of(titles))


def text_part(match: tf.Tensor, unwanted: tf.Tensor) -> tf.Tensor:
    """What titles add to scores.

    Args:
        match: float32, how well they match the words of a request, 1 for the best title.
        unwanted: of the same shape, how well the words that the request does not want.
    """
    return _TEXT_WEIGHT * match - UNWANTED_WEIGHT * unwanted


def _fixed(values: np.ndarray) -> tf.Variable:
    return tf.Variable(values, trainable=False)
