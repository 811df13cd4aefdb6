"""Puts the catalogue's words in place of those of other languages, in TensorFlow ops.

A word is foreign if it is one of another language and neither of English nor of the
catalogue; if it is a compound of such words ("Damenlederstiefel", see
`queries.knowledge.compounds`); or, if English has it too, beside a foreign one: "rock" is
a skirt in "roter Rock". One foreign word among many of the catalogue's is a name: "women
nova brown gold watch". A request whose words are all of English and of one other language
is in the one in which they are more frequent: "robe rouge".
"""

from collections.abc import Mapping

import tensorflow as tf

from fitrank_tf.export.graphs.phrases import (
    longest_phrases,
    padded,
    phrase_table,
    rows_of_phrases,
    words_of,
)
from fitrank_tf.queries.knowledge.compounds import SHORTEST_PART, Part, no_compounds
from fitrank_tf.queries.knowledge.translations import in_own_language
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.request_words import request_words

# Words of the catalogue for each word of another language, in a request that is foreign.
_KNOWN_BESIDE_FOREIGN = 2
# Decimal logarithm of how much more frequent the words of a request must be in another
# language than in English: of the judged requests one in ten is not in English.
_OTHER_LANGUAGE = 1.0
_FEWEST_OF_LANGUAGE = 2
# Letters of a word, and parts of a compound.
_LONGEST_COMPOUND, _MOST_PARTS = 40, 4
# Costs of a part: the fewest parts are best, and one of them may be unsure.
_PART, _UNSURE, _NO_PART = 1.0, 16.0, 1e6
_DEAREST = _MOST_PARTS * _PART + _UNSURE
# Of a word that a language does not have: less than all others add.
_NOT_OF_LANGUAGE = -1e3


class Translator(tf.Module):
    """Translates requests; runs eagerly and in a served graph.

    Args:
        lexicon: the words of the catalogue, and what it calls those of other languages.
        phrases: table of the phrases that a request may say, -1 for others.
        vocabulary: table of the catalogue's words, -1 for others.
    """

    def __init__(
        self,
        lexicon: FacetLexicon,
        phrases: tf.lookup.StaticHashTable,
        vocabulary: tf.lookup.StaticHashTable,
    ):
        super().__init__(name="translator")
        self._phrases, self._vocabulary = phrases, vocabulary
        compounds = lexicon.compound_parts.values()
        said = {words for parts in compounds for words, _ in parts.values()}
        spelt = sorted(said.union(lexicon.translations.values())) or [""]
        self._spelt = tf.constant(spelt)
        place_of = {words: row for row, words in enumerate(spelt)}
        # Words that may be the catalogue's own are in the second half of the rows; behind
        # them what is not to be translated: its phrases ("t-shirts"), and English words.
        own = {phrase for phrase in (*lexicon.forms, *lexicon.related) if " " in phrase}
        kept = own | no_compounds()
        translated = {
            phrase: place_of[words] + len(spelt) * (phrase not in lexicon.foreign_words)
            for phrase, words in lexicon.translations.items()
        }
        self._translations = phrase_table(
            dict.fromkeys(sorted(kept), 2 * len(spelt)) | translated
        )
        self._longest = max(map(words_of, (*kept, *translated)), default=1)
        self._parts = [_part_table(parts, place_of) for parts in compounds]
        self._longest_part = max((len(part) for of in compounds for part in of), default=1)
        # {word: row of the ratios}; the first row is of words that any language may have.
        languages = in_own_language().values()
        both = sorted(set().union(*languages))
        small = {*" ".join(request_words()).split()} - {*both}
        self._both = phrase_table(
            dict.fromkeys(("", ",", *sorted(small)), 0)
            | {word: row for row, word in enumerate(both, start=1)}
        )
        ratios = [[of.get(word, _NOT_OF_LANGUAGE) for of in languages] for word in both]
        first, last = [0.0] * len(languages), [_NOT_OF_LANGUAGE] * len(languages)
        self._ratios = tf.constant([first, *ratios, last], tf.float32)

    def __call__(self, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Translates requests.

        Args:
            words: string [batch, T], "" for padding.

        Returns:
            string [batch, T'], and whether a request has been changed, bool [batch].
        """
        words = padded(words, self._longest)
        by_length = rows_of_phrases(words, self._translations, self._longest)
        count = tf.shape(self._spelt)[0]
        unknown = (by_length[0] < 0) & (self._phrases.lookup(words) < 0)
        unknown &= self._vocabulary.lookup(words) < 0
        letters = tf.strings.length(words, unit="UTF8_CHAR")
        unknown &= (letters >= 2 * SHORTEST_PART) & (letters <= _LONGEST_COMPOUND)
        is_of_language = self._is_of_language(words)
        some = [tf.reduce_any((rows >= 0) & (rows < count)) for rows in by_length]
        some += [tf.reduce_any(unknown), tf.reduce_any(is_of_language)]

        def translated() -> tuple[tf.Tensor, tf.Tensor]:
            rows, inside = longest_phrases(by_length)
            asked = unknown & (rows < 0)
            none = tf.fill(tf.shape(words), ""), tf.zeros(tf.shape(words), tf.int32)
            compounds, parts = tf.cond(
                tf.reduce_any(asked), lambda: self._compounds(words, asked), lambda: none
            )
            foreign = (rows >= 0) & (rows < count)
            known = ~foreign & (self._vocabulary.lookup(words) >= 0)
            foreign = tf.cast(foreign & ~inside, tf.int32) + parts
            foreign, known = (
                tf.reduce_sum(of, axis=1) for of in (foreign, tf.cast(known, tf.int32))
            )
            is_foreign = (foreign > 0) & (_KNOWN_BESIDE_FOREIGN * foreign >= known)
            is_foreign |= is_of_language
            found = (rows >= 0) & (rows < 2 * count)
            spelt = tf.gather(self._spelt, tf.maximum(rows, 0) % count)
            put = tf.where(found, tf.where(inside, "", spelt), words)
            put = tf.where(parts > 0, compounds, put)
            put = tf.where(is_foreign[:, tf.newaxis], put, words)
            put = tf.strings.split(tf.strings.reduce_join(put, axis=1, separator=" "))
            return put.to_tensor(""), is_foreign

        # Most requests of a shop are in its language, and pay for no more than the look.
        none = tf.zeros([tf.shape(words)[0]], tf.bool)
        return tf.cond(tf.reduce_any(some), translated, lambda: (words, none))

    def _is_of_language(self, words: tf.Tensor) -> tf.Tensor:
        """bool [batch], whether all words are of one language, and likely so."""
        rows = self._both.lookup(words)
        ratios = tf.gather(self._ratios, rows % tf.shape(self._ratios)[0])
        ratio = tf.reduce_max(tf.reduce_sum(ratios, axis=1), axis=1)
        count = tf.reduce_sum(tf.cast(rows > 0, tf.int32), axis=1)
        return (count >= _FEWEST_OF_LANGUAGE) & (ratio >= _OTHER_LANGUAGE)

    def _compounds(self, words: tf.Tensor, asked: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The catalogue's words for the parts of compounds.

        Args:
            words: string [batch, T].
            asked: bool [batch, T], the words that may be compounds.

        Returns:
            string [batch, T], with blanks between parts, and int32 [batch, T], the number
            of parts, 0 where a word is no compound.
        """
        letters = tf.strings.unicode_split(tf.boolean_mask(words, asked), "UTF-8")
        lengths = tf.cast(letters.row_lengths(), tf.int32)
        letters = padded(letters.to_tensor(""), self._longest_part)
        said = tf.fill(tf.shape(lengths), "")
        count = tf.zeros_like(lengths)
        for table in self._parts:
            tokens = _tokens_at(letters, table, self._longest_part)
            split = _best_split(tokens, lengths)
            is_part = split >= 0
            parts = tf.reduce_sum(tf.cast(is_part, tf.int32), axis=1)
            is_new = (parts > 0) & (count == 0)
            english = tf.gather(self._spelt, tf.maximum(split, 0) // 4)
            english = tf.where(is_part, english, "")
            english = tf.strings.reduce_join(english, axis=1, separator=" ")
            said = tf.where(is_new, english, said)
            count = tf.where(is_new, parts, count)
        places, shape = tf.where(asked), tf.shape(words, tf.int64)
        return (
            tf.tensor_scatter_nd_update(tf.fill(shape, ""), places, said),
            tf.scatter_nd(places, count, shape),
        )


def _part_table(
    parts: Mapping[str, tuple[str, Part]], place_of: Mapping[str, int]
) -> tf.lookup.StaticHashTable:
    """A table from a part to its token.

    That is four times the place of the words for the part, 2 more if a compound may end in
    it, and 1 more if it is a sure one.
    """
    return phrase_table(
        {
            part: 4 * place_of[words] + 2 * of.is_last + of.is_sure
            for part, (words, of) in parts.items()
        }
    )


def _tokens_at(
    letters: tf.Tensor, table: tf.lookup.StaticHashTable, longest: int
) -> tf.Tensor:
    """int32 [N, T, longest], the token of each part by its start and length less 1."""
    rows = rows_of_phrases(letters, table, longest, separator="")
    rows = [
        tf.pad(of, [[0, 0], [0, missing]], constant_values=-1)
        for missing, of in enumerate(rows)
    ]
    return tf.stack(rows, axis=2)


def _best_split(tokens: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """The cheapest way to split words into parts, by dynamic programming from their ends.

    Args:
        tokens: int32 [N, T, longest], of `_tokens_at`.
        lengths: int32 [N], letters of each word.

    Returns:
        int32 [N, _MOST_PARTS], the tokens of the parts, -1 behind the last one, and for a
        word that cannot be split.
    """
    size, longest = tf.shape(tokens)[1], tokens.shape[2]
    starts = tf.range(size)[tf.newaxis, :, tf.newaxis]
    ends = starts + tf.range(1, longest + 1)
    is_end = ends == lengths[:, tf.newaxis, tf.newaxis]
    allowed = (tokens >= 0) & ~(is_end & (tokens // 2 % 2 == 0)) & ~(is_end & (starts == 0))
    costs = tf.where(tokens % 2 == 1, _PART, _PART + _UNSURE)
    costs = tf.where(allowed, costs, _NO_PART)
    # [N, T + longest], the cost of all that follows a place.
    places = tf.range(size + longest)
    at_end = tf.where(places == lengths[:, tf.newaxis], 0.0, _NO_PART)
    behind, chosen = at_end, []
    for _ in range(_MOST_PARTS):
        total = costs + tf.signal.frame(behind[:, 1:], longest, 1)[:, :size]
        chosen.append(tf.argmin(total, axis=2, output_type=tf.int32))
        best = tf.pad(
            tf.reduce_min(total, axis=2), [[0, 0], [0, longest]], constant_values=_NO_PART
        )
        behind = tf.minimum(at_end, best)
    is_split = behind[:, 0] <= _DEAREST
    place, found = tf.zeros_like(lengths), []
    for lengths_of_parts in reversed(chosen):
        is_left = is_split & (place < lengths)
        start = tf.minimum(place, size - 1)
        part = tf.gather(lengths_of_parts, start, batch_dims=1)
        token = tf.gather(tf.gather(tokens, start, batch_dims=1), part, batch_dims=1)
        found.append(tf.where(is_left, token, -1))
        place += tf.where(is_left, part + 1, 0)
    return tf.stack(found, axis=1)
