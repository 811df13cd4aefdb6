"""Converts text to token ids, in Python and inside a TensorFlow graph.

`tokenise` runs over lists in Python and makes the training data; the module that
`graph_tokeniser` returns runs inside a served graph and returns the same ids. KerasHub has
a graph implementation of CLIP's tokenizer too, but it caches every new word in a table that
grows without bound, which a server cannot afford.

Both truncate a text to `MAX_CHARACTERS` and replace CLIP's start and end tokens by spaces,
so that a query cannot contain an early end.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence

import keras_hub
import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text

from fitrank_tf.towers.sentence_pieces import BLANK, PieceTokenizer
from fitrank_tf.towers.vocabulary import (
    END_OF_WORD,
    END_TOKEN,
    MAX_CHARACTERS,
    START_TOKEN,
)

_MARKS = r"(?i)<\|(?:start|end)oftext\|>"
# RE2's \s is ASCII only; CLIP's splitting means any Unicode white space.
_SPACE = r"\s\v\x{85}\p{Z}"
_WORD = rf"'s|'t|'re|'ve|'m|'ll|'d|\p{{L}}+|\p{{N}}|[^{_SPACE}\p{{L}}\p{{N}}]+"
_NO_MERGE = np.iinfo(np.int32).max
_WORDS_AT_ONCE = 4096
# ASCII's punctuation, and what Python's str.split takes for white space.
_PUNCTUATION = r"[!-/:-@\[-`{-~]"
_SPLITTING = rf"[{_SPACE}\x1c-\x1f]+"


def tokenise(
    tokenizer: keras_hub.models.Tokenizer, texts: Sequence[str], context_length: int
) -> np.ndarray:
    """Converts texts to token ids: words, end token, padding; CLIP's start token first.

    Args:
        tokenizer: of a preset or from `learn_vocabulary`.
        texts: any strings, may be empty.
        context_length: tokens per text with start and end; longer texts are truncated.

    Returns:
        int32 [len(texts), context_length].
    """
    if isinstance(tokenizer, PieceTokenizer):
        return tokenizer.ids(texts, context_length)
    ids = np.full((len(texts), context_length), tokenizer.pad_token_id, np.int32)
    if not len(texts):
        return ids
    for row, words in zip(ids, tokenizer.tokenize([_clean(text) for text in texts])):
        words = np.asarray(words, np.int32)[: context_length - 2]
        row[0] = tokenizer.start_token_id
        row[1 : 1 + len(words)] = words
        row[1 + len(words)] = tokenizer.end_token_id
    return ids


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFC", text[:MAX_CHARACTERS].replace("\0", " ")).lower()
    text = re.sub(_MARKS, " ", text)
    # The tokenizer drops empty strings of a list; a space keeps the place.
    return text or " "


def graph_tokeniser(
    tokenizer: keras_hub.models.Tokenizer, context_length: int
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a `tf.Module` that computes the ids of `tokenise` in a graph.

    Args:
        tokenizer: of the towers.
        context_length: tokens per text.
    """
    if isinstance(tokenizer, PieceTokenizer):
        return PieceGraphTokeniser(tokenizer, context_length)
    return GraphTokeniser(tokenizer, context_length)


class PieceGraphTokeniser(tf.Module):
    """Computes the ids of `PieceTokenizer.ids` in ops that stock TF-Serving links.

    Args:
        tokenizer: to reproduce.
        context_length: tokens per text with the end token.
    """

    def __init__(self, tokenizer: PieceTokenizer, context_length: int):
        super().__init__(name="piece_graph_tokeniser")
        self._pieces = tf_text.SentencepieceTokenizer(tokenizer.proto)
        self._cleaning, self._context_length = tokenizer.cleaning, context_length
        self._end, self._pad = tokenizer.end_token_id, tokenizer.pad_token_id

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """Converts texts to token ids.

        Args:
            texts: string [batch], UTF-8; invalid bytes are replaced.

        Returns:
            int32 [batch, context_length].
        """
        tokens = self._pieces.tokenize(self._clean(texts))[:, : self._context_length - 1]
        ends = tf.fill([tf.shape(texts)[0], 1], self._end)
        ids = tf.concat([tokens, ends], axis=1)
        ids = ids.to_tensor(self._pad, shape=[None, self._context_length])
        return tf.ensure_shape(ids, [None, self._context_length])

    def _clean(self, texts: tf.Tensor) -> tf.Tensor:
        texts = _cut(texts)
        if self._cleaning == "canonical_words":
            texts = tf_text.normalize_utf8(texts, "NFC")
            texts = tf.strings.regex_replace(texts, "_", " ")
        texts = tf.strings.regex_replace(texts, BLANK, " ")
        texts = tf.strings.lower(texts, encoding="utf-8")
        if self._cleaning == "lower":
            return texts
        texts = tf.strings.regex_replace(texts, _PUNCTUATION, "")
        return tf.strings.strip(tf.strings.regex_replace(texts, _SPLITTING, " "))


def _cut(texts: tf.Tensor) -> tf.Tensor:
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    # TF-Text's ops take a NUL byte for the end of the string.
    texts = tf.strings.regex_replace(texts, r"\x00", " ")
    return tf.strings.substr(texts, 0, MAX_CHARACTERS, unit="UTF8_CHAR")


class GraphTokeniser(tf.Module):
    """Computes the ids of `tokenise` in TensorFlow ops that stock TF-Serving links.

    Most words are a token of the vocabulary, which a table holds. The byte pairs of the
    others are merged in a dense matrix with one row per word: each step merges the
    best-ranked pair of every word at once. No state is kept between calls.

    Args:
        tokenizer: the KerasHub tokenizer to reproduce.
        context_length: tokens per text with start and end token.
    """

    def __init__(self, tokenizer: keras_hub.models.CLIPTokenizer, context_length: int):
        super().__init__(name="graph_tokeniser")
        vocabulary = dict(tokenizer.vocabulary)
        self._context_length = context_length
        self._start = vocabulary[START_TOKEN]
        self._end = vocabulary[END_TOKEN]
        self._pad = tokenizer.pad_token_id
        self._size = len(vocabulary)
        characters = _byte_characters()
        self._byte_ids = [vocabulary[c] for c in characters]
        self._last_byte_ids = [vocabulary[c + END_OF_WORD] for c in characters]
        pairs = [m.split(" ") for m in tokenizer.merges if not m.startswith("#version")]
        self._merged_ids = [vocabulary[a + b] for a, b in pairs] or [0]
        self._ranks = _table(
            tf.constant(
                [vocabulary[a] * self._size + vocabulary[b] for a, b in pairs] or [-1],
                tf.int64,
            ),
            range(max(len(pairs), 1)),
            _NO_MERGE,
        )
        whole = self._whole_words(vocabulary, characters)
        self._whole = _table(tf.constant(list(whole) or [b""]), whole.values() or [-1], -1)

    def _whole_words(
        self, vocabulary: Mapping[str, int], characters: Sequence[str]
    ) -> Mapping[bytes, int]:
        """{word, UTF-8: its token} of the words whose pairs merge into one token."""
        byte_of = {character: byte for byte, character in enumerate(characters)}
        ends = [word for word in vocabulary if word.endswith(END_OF_WORD)]
        spelt = [word.removesuffix(END_OF_WORD) for word in ends]
        words = [bytes(map(byte_of.__getitem__, word)) for word in spelt if word]
        words.sort(key=len)
        found: dict[bytes, int] = {}
        for start in range(0, len(words), _WORDS_AT_ONCE):
            some = words[start : start + _WORDS_AT_ONCE]
            ids = self._merge(self._initial_ids(tf.constant(some))).numpy()
            single = (ids[:, 1:] < 0).all(axis=1)
            found |= {word: of[0] for word, of, one in zip(some, ids, single) if one}
        return found

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """Converts texts to token ids.

        Args:
            texts: string [batch], UTF-8; invalid bytes are replaced.

        Returns:
            int32 [batch, context_length].
        """
        words, text_of_word = self._split(texts)
        tokens = self._tokens(words)
        places = tf.where(tokens >= 0)
        tokens, text = tf.gather_nd(tokens, places), tf.gather(text_of_word, places[:, 0])
        batch, length = tf.shape(texts)[0], self._context_length
        counts = tf.math.unsorted_segment_sum(tf.ones_like(tokens), text, batch)
        before = tf.cumsum(counts, exclusive=True)
        column = 1 + tf.range(tf.shape(tokens)[0]) - tf.gather(before, text)
        # What is too long for the context goes into a column more, and is cut off with it.
        at = tf.stack([tf.cast(text, tf.int32), tf.minimum(column, length)], axis=1)
        ids = tf.fill([batch, length + 1], self._pad)
        ids = tf.tensor_scatter_nd_update(ids, at, tokens)[:, :length]
        columns, ends = tf.range(length), tf.minimum(counts + 1, length - 1)
        ids = tf.where(columns == 0, self._start, ids)
        ids = tf.where(columns == ends[:, tf.newaxis], self._end, ids)
        return tf.ensure_shape(ids, [None, length])

    def _split(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Words, string [W], and the text that each is of, int64 [W]."""
        texts = tf_text.normalize_utf8(_cut(texts), "NFC")
        texts = tf.strings.lower(texts, encoding="utf-8")
        texts = tf.strings.regex_replace(texts, _MARKS, " ")
        texts = tf.strings.regex_replace(texts, f"[{_SPACE}]", " ")
        texts = tf.strings.regex_replace(texts, _WORD, r"\0 ")
        found = tf.raw_ops.StringSplitV2(input=texts, sep="")
        return found.values, found.indices[:, 0]

    def _tokens(self, words: tf.Tensor) -> tf.Tensor:
        """Tokens of words, -1 behind the last: int32 [words, most tokens of a word]."""
        whole = self._whole.lookup(words)[:, tf.newaxis]
        places = tf.where(whole[:, 0] < 0)

        def with_merged() -> tf.Tensor:
            merged = self._merge(self._initial_ids(tf.gather_nd(words, places)))
            missing = tf.shape(merged)[1] - 1
            tokens = tf.pad(whole, [[0, 0], [0, missing]], constant_values=-1)
            return tf.tensor_scatter_nd_update(tokens, places, merged)

        return tf.cond(tf.size(places) > 0, with_merged, lambda: whole)

    def _initial_ids(self, words: tf.Tensor) -> tf.Tensor:
        """Ids of single bytes, the last one of a word marked: int32 [words, longest]."""
        lengths = tf.strings.length(words)[:, tf.newaxis]
        longest = tf.reduce_max(lengths)
        codes = tf.cast(tf.io.decode_raw(words, tf.uint8, fixed_length=longest), tf.int32)
        columns = tf.range(longest)[tf.newaxis, :]
        inner = tf.gather(tf.constant(self._byte_ids, tf.int32), codes)
        last = tf.gather(tf.constant(self._last_byte_ids, tf.int32), codes)
        ids = tf.where(columns == lengths - 1, last, inner)
        return tf.where(columns < lengths, ids, -1)

    def _merge(self, ids: tf.Tensor) -> tf.Tensor:
        """Merges pairs: ids int32 [words, longest] of single bytes to those of tokens."""
        merged_ids = tf.constant(self._merged_ids, tf.int32)

        def step(ids: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            following = tf.pad(ids[:, 1:], [[0, 0], [0, 1]], constant_values=-1)
            keys = tf.cast(ids, tf.int64) * self._size + tf.cast(following, tf.int64)
            ranks = self._ranks.lookup(tf.where(following >= 0, keys, -2))
            best = tf.reduce_min(ranks, axis=1, keepdims=True)
            found = best != _NO_MERGE
            place = tf.argmin(ranks, axis=1, output_type=tf.int32)[:, tf.newaxis]
            columns = tf.range(tf.shape(ids)[1])[tf.newaxis, :]
            merged = tf.gather(merged_ids, tf.where(found, best, 0))
            shifted = tf.where(columns == place, merged, following)
            changed = tf.where(columns < place, ids, shifted)
            return tf.where(found, changed, ids), tf.reduce_any(found)

        return tf.while_loop(lambda _, going: going, step, (ids, True))[0]


def _table(
    keys: tf.Tensor, values: Iterable[int], default: int
) -> tf.lookup.StaticHashTable:
    """A table from keys to int32."""
    initializer = tf.lookup.KeyValueTensorInitializer(
        keys, tf.constant(list(values), tf.int32)
    )
    return tf.lookup.StaticHashTable(initializer, default)


def _byte_characters() -> list[str]:
    """The printable stand-in of each byte value 0..255 (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in plain}
    extra = (byte for byte in range(256) if byte not in table)
    table.update({byte: chr(256 + i) for i, byte in enumerate(extra)})
    return [table[byte] for byte in range(256)]
