"""The facet values that the words of a query name, in TensorFlow ops.

The longest phrase wins: "navy blue" names that colour and not "blue". Misspelt
phrases are in the same table as the right ones, and cost a search nothing.
"""

import numpy as np
import tensorflow as tf

from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.towers.tokenise import MAX_CHARACTERS

_NO_WORD = r"[^\p{L}\p{N}]+"


class QueryFacets(tf.Module):
    """Texts to the values that they name; runs eagerly and in a served graph.

    Args:
        lexicon: the values, V of them.
    """

    def __init__(self, lexicon: FacetLexicon):
        super().__init__(name="query_facets")
        phrases = lexicon.phrases
        self._longest = max((len(form.split()) for form in phrases), default=0)
        self._size = lexicon.size
        # Many phrases name the same values: those share a row.
        meanings = sorted(set(phrases.values())) or [()]
        named = np.zeros((len(meanings), self._size), np.float32)
        for row, numbers in enumerate(meanings):
            named[row, list(numbers)] = 1.0
        self._named = tf.constant(named)
        places = {numbers: row for row, numbers in enumerate(meanings)}
        self._rows = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(list(phrases) or [""]),
                tf.constant([places[of] for of in phrases.values()] or [-1], tf.int32),
            ),
            default_value=-1,
        )

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """Which values each text names.

        Args:
            texts: string [batch], UTF-8; broken bytes part words.

        Returns:
            float32 [batch, V], 1 for a value that is named.
        """
        words = self._words(texts)
        free = words != ""
        query_facets = tf.zeros([tf.shape(words)[0], self._size])
        for length in range(self._longest, 0, -1):
            places = tf.shape(words)[1] - length + 1
            parts = [words[:, start : start + places] for start in range(length)]
            rows = self._rows.lookup(tf.strings.join(parts, " "))
            untaken = [free[:, start : start + places] for start in range(length)]
            found = tf.reduce_all(tf.stack(untaken), axis=0) & (rows >= 0)
            named = tf.gather(self._named, tf.maximum(rows, 0))
            named *= tf.cast(found, tf.float32)[..., tf.newaxis]
            query_facets = tf.maximum(query_facets, tf.reduce_max(named, axis=1))
            taken = [
                tf.pad(found, [[0, 0], [start, length - 1 - start]])
                for start in range(length)
            ]
            free &= ~tf.reduce_any(tf.stack(taken), axis=0)
        return tf.ensure_shape(query_facets, [None, self._size])

    def _words(self, texts: tf.Tensor) -> tf.Tensor:
        """string [batch, T], "" for padding, T at least the longest phrase's words."""
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        texts = tf.strings.substr(texts, 0, MAX_CHARACTERS, unit="UTF8_CHAR")
        texts = tf.strings.lower(texts, encoding="utf-8")
        plain = tf.strings.regex_replace(texts, _NO_WORD, " ")
        words = tf.strings.split(plain).to_tensor("")
        missing = tf.maximum(max(self._longest, 1) - tf.shape(words)[1], 0)
        return tf.pad(words, [[0, 0], [0, missing]], constant_values="")
