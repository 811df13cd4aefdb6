"""What a request asks for and what it does not want, in TensorFlow ops.

The longest phrase wins: "navy blue" names that colour and not "blue". Misspelt phrases
are in the same table as the right ones, and cost a search nothing.

What is denied is found by one regular expression over the roles of the words (see
`queries.request_words`), each role a character: a word that denies reaches over the first
value after it ("not red"), over the values of a list ("no red, blue or green"; "and" and
commas only join values of one facet), or, where no value follows, over up to three unknown
words ("without big logos"). Punctuation ends it, and so do words such as "but" or "with".
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text

from fitrank_tf.export.embedding import encode_texts
from fitrank_tf.export.graphs.phrases import (
    longest_phrases,
    padded,
    phrase_table,
    rows_of_phrases,
    words_of,
)
from fitrank_tf.export.graphs.translator import Translator
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.request_words import ROLES, request_words
from fitrank_tf.queries.words import IDEOGRAPH

# Characters of a request that are read.
_MOST_CHARACTERS = 2000
# Words. Of a longer request the towers get the words that say something of a product.
_LONG = 16
# Colours of a request that are kept.
_MOST_COLOURS = 4
# Weight of a colour that is also a facet value: the re-ranker counts that value already. It
# ordered the products of the first half of the judged requests best (docs/judged_set.md).
_BESIDE_A_VALUE = 0.4
_NO_WORD = r"[^\p{L}\p{M}\p{N},]+"
# Characters of the roles in the regular expression; a facet has one of its own.
_ROLE = dict(zip(ROLES, "tnpoaeft"))
_UNKNOWN, _COMMA, _INSIDE = "u", ",", "_"
_FIRST_FACET = 0x100
# Regular expressions and what replaces their matches, in this order.
_CLEANING = (
    (r"\x00", " "),  # TF-Text's ops take a NUL byte for the end of the string
    (r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});", " "),  # HTML entities
    (r"[™℠]", " "),  # NFKC makes letters of them
)
_WORD_BOUNDS = (
    (r"(\d)[.,](\d)", r"\1 \2"),  # inside a number they end nothing
    (r"(^|[\s,(])-(\p{L})", r"\1 not \2"),  # "-red", as search engines have it
    (r"(\p{L}{2})\s*/\s*(\p{L}{2})", r"\1 or \2"),
    (IDEOGRAPH, r" \1 "),
    (r"[&+]", " and "),
    (r"[,;:.!?()\[\]|]+", " , "),
    (_NO_WORD, " "),
)


class Request(NamedTuple):
    """What texts ask for.

    Attributes:
        query_facets: float32 [batch, V]: above 0 for a value that is wanted, 1 if it is
            named; below 0 for one that is not wanted, -1 if it is named; else 0.
        text: string [batch], without what is not wanted; a long text without talk.
        words: string [batch], the words of `text`, lower case, one blank between them.
        unwanted_words: string [batch], the words that are not wanted and mean no value.
        colours: float32 [batch, 4, 4]: CIE L, a, b of the first four colours that are
            wanted, and the weight of each, 1 for a colour that is no value; zeros for
            padding.
    """

    query_facets: tf.Tensor
    text: tf.Tensor
    words: tf.Tensor
    unwanted_words: tf.Tensor
    colours: tf.Tensor


class RequestReader(tf.Module):
    """Reads requests; runs eagerly and in a served graph.

    Args:
        lexicon: the values, V of them, and the words of the catalogue's titles.
    """

    def __init__(self, lexicon: FacetLexicon):
        super().__init__(name="request_reader")
        roles = request_words()
        phrases = {
            phrase: tuple((number, 1.0) for number in numbers)
            for phrase, numbers in lexicon.phrases.items()
        }
        # A word that means a value is taken for it before one that is a misspelt name.
        phrases |= {
            phrase: (phrases[phrase] if phrase in lexicon.forms else ()) + of
            for phrase, of in lexicon.related.items()
        }
        self._size = lexicon.size
        points = lexicon.colour_points
        self._longest = max(map(words_of, (*phrases, *points, *roles)))
        # Many phrases mean the same values, and the same colour: those share a row.
        meant = {
            phrase: (phrases.get(phrase, ()), points.get(phrase, ()))
            for phrase in phrases.keys() | points.keys()
        }
        meanings = sorted(set(meant.values())) or [((), ())]
        weights = np.zeros((len(meanings), self._size), np.float32)
        colours = np.zeros((len(meanings), 4), np.float32)
        for row, (pairs, point) in enumerate(meanings):
            for number, weight in pairs:
                weights[row, number] = weight
            if point:
                colours[row] = (*point, _BESIDE_A_VALUE if pairs else 1.0)
        self._colours = tf.constant(colours)
        self._weights = tf.constant(weights)
        facet_of = lexicon.facet_of
        implied = lexicon.noun_facets | lexicon.occasion_facets
        is_implied = np.array([name in implied for name in lexicon.facets], bool)[facet_of]
        # What is denied is the nearest value; those that are less near, much less. Who
        # wants no aviators may want sunglasses: of nouns and of occasions only the value
        # itself is denied.
        best = np.maximum(weights.max(axis=1, keepdims=True, initial=0.0), np.float32(1e-6))
        denied = np.where(is_implied, weights == 1.0, (weights / best) ** 3)
        self._denied_weights = tf.constant(denied, tf.float32)
        self._is_denied_value = tf.constant(denied.any(axis=1))
        # A long request tells of husbands and meetings, which no product is.
        is_occasion = np.isin(lexicon.facets, list(lexicon.occasion_facets))[facet_of]
        said = (weights > 0) & ~(is_occasion & (weights < 1))
        self._is_hint = tf.constant(weights.any(axis=1) & ~said.any(axis=1))
        # [V, V], 1 for values of one facet of nouns or occasions.
        same = (facet_of[:, np.newaxis] == facet_of) & is_implied
        self._same_facet = tf.constant(same, tf.float32)
        self._facet_of = tf.constant(facet_of, tf.int64)
        self._facet_names = tf.constant([name.replace("_", " ") for name in lexicon.facets])
        self._value_names = tf.constant(lexicon.value_names)
        # A character for each row, then one for each role.
        characters = [
            chr(_FIRST_FACET + facet_of[of[0][0]]) if of else _UNKNOWN for of, _ in meanings
        ]
        self._characters = tf.constant([*characters, *_ROLE.values()])
        places = {meaning: row for row, meaning in enumerate(meanings)}
        rows = {phrase: places[of] for phrase, of in meant.items()}
        numbers = {role: len(meanings) + number for number, role in enumerate(ROLES)}
        for phrase, role in roles.items():
            # A shop may have a brand "And"; a longer phrase is its own.
            if " " not in phrase or phrase not in rows:
                rows[phrase] = numbers[role]
        self._values = len(meanings)
        self._rows = phrase_table(rows)
        words = sorted(lexicon.catalogue_words - roles.keys())
        self._vocabulary = phrase_table(dict.fromkeys(words, 0))
        self._translator = Translator(lexicon, self._rows, self._vocabulary)
        self._denied = _denied_pattern(len(lexicon.sizes))

    def __call__(self, texts: tf.Tensor) -> Request:
        """Reads texts.

        Args:
            texts: string [batch], UTF-8; broken bytes part words.
        """
        cleaned = clean_text(texts)
        words, is_translated = self._translator(_parted(cleaned))
        words = padded(words, self._longest)
        rows, inside = longest_phrases(rows_of_phrases(words, self._rows, self._longest))
        denied = self._reach(words, rows, inside)
        is_value = (rows >= 0) & (rows < self._values)
        unwanted = self._meant(self._denied_weights, rows, is_value & denied)
        wanted = self._meant(self._weights, rows, is_value & ~denied)
        # "Polo t-shirts": beside a noun that is a value, others only say more of it.
        named = tf.cast(wanted == 1.0, tf.float32)
        told = tf.matmul(named, self._same_facet) > 0.0
        wanted = tf.where(told & (wanted < 1.0), 0.0, wanted)
        query_facets = tf.where(unwanted > 0.0, -unwanted, wanted)
        text, kept = self._remaining(cleaned, words, rows, denied, is_translated)
        is_named = tf.gather(self._is_denied_value, tf.where(is_value, rows, 0))
        refused = denied & ((rows < 0) | (is_value & ~is_named))
        refused = _joined(words, refused & (words != "") & (words != ","))
        query_facets = tf.ensure_shape(query_facets, [None, self._size])
        colours = self._named_colours(rows, is_value & ~inside, denied)
        return Request(query_facets, text, kept, refused, colours)

    def _named_colours(
        self, rows: tf.Tensor, counted: tf.Tensor, denied: tf.Tensor
    ) -> tf.Tensor:
        """float32 [batch, 4, 4], of the words that count, mean a colour, and are nowhere
        denied; each colour once."""
        size = self._colours.shape[0]
        is_colour = tf.gather(self._colours[:, 3], tf.where(counted, rows, 0)) > 0.0

        def keys(words: tf.Tensor) -> tf.Tensor:
            """A number for each colour of each request that some words name."""
            places = tf.where(words & counted & is_colour)
            row = tf.cast(tf.gather_nd(rows, places), tf.int64)
            return tf.unique(places[:, 0] * size + row)[0]

        wanted, refused = keys(~denied), keys(denied)
        wanted = wanted[~tf.reduce_any(wanted[:, tf.newaxis] == refused, axis=1)]
        colours = tf.RaggedTensor.from_value_rowids(
            tf.gather(self._colours, wanted % size),
            wanted // size,
            tf.shape(rows, tf.int64)[0],
            validate=False,
        )
        return colours.to_tensor(shape=[None, _MOST_COLOURS, 4])

    def _meant(self, weights: tf.Tensor, rows: tf.Tensor, counted: tf.Tensor) -> tf.Tensor:
        """float32 [batch, V], the largest weights of the words that count.

        Only of these words there are V numbers in memory: a request may have a thousand.
        """
        places = tf.where(counted)
        meant = tf.gather(weights, tf.gather_nd(rows, places))
        requests = tf.shape(rows)[0]
        best = tf.math.unsorted_segment_max(meant, places[:, 0], requests)
        # Where no word counts, the segment's maximum is the least float.
        return tf.maximum(best, 0.0)

    def understood(self, query_facets: tf.Tensor) -> tf.Tensor:
        """What was read, in words.

        Args:
            query_facets: float32 [batch, V], of a `Request`.

        Returns:
            string [batch], such as "colour not Black; article type Tshirts".
        """
        places = tf.where(query_facets != 0.0)
        row, value = places[:, 0], places[:, 1]
        facet = tf.gather(self._facet_of, value)
        same = (row[1:] == row[:-1]) & (facet[1:] == facet[:-1])
        follows = tf.concat([tf.zeros_like(row[:1], tf.bool), same], axis=0)
        names = tf.strings.join(["; ", tf.gather(self._facet_names, facet), " "])
        denies = tf.where(tf.gather_nd(query_facets, places) < 0.0, "not ", "")
        parts = [
            tf.where(follows, ", ", names),
            denies,
            tf.gather(self._value_names, value),
        ]
        texts = tf.RaggedTensor.from_value_rowids(
            tf.strings.join(parts),
            row,
            nrows=tf.shape(query_facets, tf.int64)[0],
            validate=False,
        )
        return tf.strings.regex_replace(tf.strings.reduce_join(texts, axis=1), "^; ", "")

    def _reach(self, words: tf.Tensor, rows: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
        """bool [batch, T], whether a word denies or is denied."""
        roles = tf.gather(self._characters, tf.maximum(rows, 0))
        roles = tf.where(rows >= 0, roles, tf.where(words == ",", _COMMA, _UNKNOWN))
        roles = tf.where(inside, _INSIDE, tf.where(words == "", "", roles))
        marked = tf.strings.regex_replace(
            tf.strings.reduce_join(roles, axis=1), self._denied, r"<\0>"
        )
        codes = tf.strings.unicode_decode(marked, "UTF-8").to_tensor(0)
        opened = tf.cast(codes == ord("<"), tf.int32) - tf.cast(codes == ord(">"), tf.int32)
        reached = tf.cumsum(opened, axis=1) > 0
        is_word = (codes != 0) & (codes != ord("<")) & (codes != ord(">"))
        places = tf.where(is_word)
        column = tf.cumsum(tf.cast(is_word, tf.int64), axis=1, exclusive=True)
        at = tf.stack([places[:, 0], tf.gather_nd(column, places)], axis=1)
        return tf.scatter_nd(at, tf.gather_nd(reached, places), tf.shape(words, tf.int64))

    def _remaining(
        self,
        cleaned: tf.Tensor,
        words: tf.Tensor,
        rows: tf.Tensor,
        denied: tf.Tensor,
        is_translated: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The text that is left, string [batch], and its words."""
        is_word = (words != "") & (words != ",")
        kept = is_word & ~denied
        is_value = (rows >= 0) & (rows < self._values)
        is_said = is_value & ~tf.gather(self._is_hint, tf.where(is_value, rows, 0))
        is_left = ~is_said & (rows < self._values)
        tells = (is_said | (is_left & (self._vocabulary.lookup(words) >= 0))) & kept
        count = tf.reduce_sum(tf.cast(is_word, tf.int32), axis=1, keepdims=True)
        is_long = (count > _LONG) & tf.reduce_any(tells, axis=1, keepdims=True)
        kept = tf.where(is_long, tells, kept)
        # Small words of another language would only puzzle the towers.
        kept &= ~(is_translated[:, tf.newaxis] & (rows >= self._values))
        joined = _joined(words, kept)
        changed = is_long[:, 0] | tf.reduce_any(denied, axis=1) | is_translated
        return tf.where(changed, joined, cleaned), joined


def clean_text(texts: tf.Tensor) -> tf.Tensor:
    """Texts in compatibility form (NFKC), without invisible characters and entities.

    Args:
        texts: string [batch], UTF-8; broken bytes are replaced.

    Returns:
        string [batch]; of a plain text the same characters.
    """
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    texts = tf.strings.substr(texts, 0, _MOST_CHARACTERS, unit="UTF8_CHAR")
    for pattern, rewrite in _CLEANING:
        texts = tf.strings.regex_replace(texts, pattern, rewrite)
    texts = tf_text.normalize_utf8(texts, "NFKC")
    # Zero-width characters, soft hyphens, marks of direction and of byte order.
    texts = tf.strings.regex_replace(texts, r"\p{Cf}+", "")
    # Hash tags: "#RedShirt".
    tagged = tf.strings.regex_full_match(texts, r"(?s).*#\p{L}.*")
    parted = tf.strings.regex_replace(texts, r"(\p{Ll})(\p{Lu})", r"\1 \2")
    return tf.where(tagged, parted, texts)


def _parted(texts: tf.Tensor) -> tf.Tensor:
    """Words of texts: string [batch, T], "," for punctuation, "" for padding."""
    texts = tf.strings.lower(texts, encoding="utf-8")
    for pattern, rewrite in _WORD_BOUNDS:
        texts = tf.strings.regex_replace(texts, pattern, rewrite)
    return tf.strings.split(texts).to_tensor("")


def _joined(words: tf.Tensor, kept: tf.Tensor) -> tf.Tensor:
    """Some of the words [batch, T], one blank between them: string [batch]."""
    texts = tf.strings.reduce_join(tf.where(kept, words, ""), axis=1, separator=" ")
    return tf.strings.strip(tf.strings.regex_replace(texts, " +", " "))


def read_facets(reader: RequestReader, texts: Sequence[str]) -> np.ndarray:
    """The values that N texts name: float32 [N, V], see `Request`."""
    return encode_texts(
        lambda query: {"query_facets": reader(query).query_facets}, texts, "reading titles"
    )["query_facets"]


def _denied_pattern(facets: int) -> str:
    """The regular expression of what is denied, over the words' characters."""

    def phrase(characters: str) -> str:
        return f"(?:{characters}{_INSIDE}*)"

    filler, any_of, every_of = (phrase(_ROLE[role]) for role in ("filler", "or", "and"))
    lead = phrase(f"[{_ROLE['filler']}{_ROLE['end']}]")
    unknown = phrase(_UNKNOWN)
    last = chr(_FIRST_FACET + max(facets - 1, 0))
    value = phrase(f"[{chr(_FIRST_FACET)}-{last}]")
    lists = []
    for facet in range(facets):
        own = phrase(chr(_FIRST_FACET + facet))
        more = f"(?:(?:,{filler}*{own})*,?(?:{any_of}|{every_of}){filler}*{own})*"
        lists.append(f"{own}{more}(?:,?{any_of}{filler}*{value})*")
    listed = "|".join(lists) or value
    deny, after = phrase(_ROLE["not"]), phrase(_ROLE["not after"])
    return f"{deny}+{lead}*(?:{listed}|{unknown}{{1,3}})|(?:{listed}){filler}*{after}"
