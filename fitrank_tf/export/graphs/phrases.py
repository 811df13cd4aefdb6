"""The longest phrases of a table in texts, in TensorFlow ops."""

from collections.abc import Sequence

import tensorflow as tf

# Words of a phrase; longer ones are looked for only where there are some.
_USUAL_PHRASE = 4


def phrase_table(rows: dict[str, int]) -> tf.lookup.StaticHashTable:
    """A table from a phrase, its words with single blanks between them, to its row.

    A phrase that it does not have is at row -1.
    """
    return tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(list(rows) or [""]),
            tf.constant(list(rows.values()) or [-1], tf.int32),
        ),
        default_value=-1,
    )


def padded(words: tf.Tensor, least: int) -> tf.Tensor:
    """Words [batch, T] with "" added up to `least` columns."""
    missing = tf.maximum(least - tf.shape(words)[1], 0)
    return tf.pad(words, [[0, 0], [0, missing]], constant_values="")


def words_of(phrase: str) -> int:
    """The number of words of a phrase, with single blanks between them."""
    return phrase.count(" ") + 1


def rows_of_phrases(
    words: tf.Tensor, table: tf.lookup.StaticHashTable, longest: int, separator: str = " "
) -> list[tf.Tensor]:
    """For 1 to `longest` words the row of each phrase: int32 [batch, T - length + 1].

    Args:
        words: string [batch, T], T at least `longest`.
        table: of `phrase_table`.
        longest: words of a phrase.
        separator: what stands between the words of a phrase.
    """
    batch, count = tf.unstack(tf.shape(words, tf.int64))
    grams = tf.raw_ops.StringNGrams(
        data=tf.reshape(words, [-1]),
        data_splits=tf.range(batch + 1) * count,
        separator=separator,
        ngram_widths=list(range(1, longest + 1)),
        left_pad="",
        right_pad="",
        pad_width=0,
        preserve_short_sequences=False,
    )
    sizes = count - tf.range(longest, dtype=tf.int64)
    rows = tf.reshape(table.lookup(grams.ngrams), [batch, tf.reduce_sum(sizes)])
    return tf.split(rows, sizes, axis=1, num=longest)


def longest_phrases(rows: Sequence[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Takes the longest phrases first, each word once.

    Args:
        rows: of `rows_of_phrases`.

    Returns:
        int32 [batch, T], the row of the phrase that a word is of, -1 for none; bool
        [batch, T], whether it stands inside the phrase, not at its start.
    """
    start = tf.fill(tf.shape(rows[0]), -1), tf.zeros_like(rows[0], tf.bool)

    def taken(
        phrase: tf.Tensor, inside: tf.Tensor, lengths: range
    ) -> tuple[tf.Tensor, tf.Tensor]:
        for length in lengths:
            free = tf.cumsum(
                tf.pad(tf.cast(phrase < 0, tf.int32), [[0, 0], [1, 0]]), axis=1
            )
            is_free = free[:, length:] - free[:, :-length] == length
            found = tf.where(is_free, rows[length - 1], -1)
            for place in range(length):
                around = [[0, 0], [place, length - 1 - place]]
                here = tf.pad(found, around, constant_values=-1)
                phrase = tf.maximum(phrase, here)
                if place:
                    inside |= here >= 0
        return phrase, inside

    usual = min(len(rows), _USUAL_PHRASE)
    longer = range(len(rows), usual, -1)
    if longer:
        is_there = [tf.reduce_any(rows[length - 1] >= 0) for length in longer]
        start = tf.cond(
            tf.reduce_any(is_there), lambda: taken(*start, longer), lambda: start
        )
    return taken(*start, range(usual, 0, -1))
