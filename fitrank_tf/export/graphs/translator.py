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
import tensorflow_text as tf_text

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
        self._splitters = [_splitter(parts, place_of) for parts in compounds]
        # {word: row of the ratios}; the first row is of words that any language may have.
        languages = in_own_language().values()
        both = sorted(set().union(*languages))
        small = {word for word in request_words() if " " not in word} - {*both}
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
        unknown &= tf.strings.length(words, unit="UTF8_CHAR") >= 2 * SHORTEST_PART
        is_of_language = self._is_of_language(words)
        some = [tf.reduce_any((rows >= 0) & (rows < count)) for rows in by_length]
        some += [tf.reduce_any(unknown), tf.reduce_any(is_of_language)]

        def translated() -> tuple[tf.Tensor, tf.Tensor]:
            rows, inside = longest_phrases(by_length)
            compounds, parts = self._compounds(words, unknown & (rows < 0))
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
        backwards = _joined_backwards(letters.to_tensor(""), "")
        said = tf.fill(tf.shape(backwards), "")
        count = tf.zeros(tf.shape(backwards), tf.int32)
        for splitter in self._splitters:
            places = splitter.tokenize(backwards).to_tensor(-1)
            is_part = places >= 0
            parts = tf.reduce_sum(tf.cast(is_part, tf.int32), axis=1)
            unsure = tf.reduce_sum(tf.cast(is_part & (places % 2 == 0), tf.int32), axis=1)
            is_new = (parts >= 2) & (unsure <= 1) & (count == 0)
            spelt = tf.gather(self._spelt, tf.maximum(places, 0) // 2)
            spelt = _joined_backwards(tf.where(is_part, spelt, ""), " ")
            said = tf.where(is_new, spelt, said)
            count = tf.where(is_new, parts, count)
        places, shape = tf.where(asked), tf.shape(words, tf.int64)
        return (
            tf.tensor_scatter_nd_update(tf.fill(shape, ""), places, said),
            tf.scatter_nd(places, count, shape),
        )


def _splitter(
    parts: Mapping[str, tuple[str, Part]], place_of: Mapping[str, int]
) -> tf_text.WordpieceTokenizer:
    """Splits words, spelt backwards, into parts, the longest first.

    From behind, for the last part is the kind of thing, and all letters that join parts
    are at the ends of others. A token is twice the place of the words for the part, and 1
    more if it is a sure one; -1 for a word that cannot be split.
    """
    tokens = {}
    for part, (words, of) in parts.items():
        token = 2 * place_of[words] + of.is_sure
        tokens["##" + part[::-1]] = token
        if of.is_last:
            tokens[part[::-1]] = token
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            list(tokens), tf.constant(list(tokens.values()), tf.int64)
        ),
        default_value=-1,
    )
    return tf_text.WordpieceTokenizer(table, token_out_type=tf.int64, unknown_token=None)


def _joined_backwards(pieces: tf.Tensor, separator: str) -> tf.Tensor:
    """The pieces [batch, N] of each row from the last to the first: string [batch]."""
    return tf.strings.reduce_join(tf.reverse(pieces, [1]), axis=1, separator=separator)
