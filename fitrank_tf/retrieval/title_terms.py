"""The terms of a catalogue's titles, and how much each says: what BM25 counts once.

See `bm25` for the formula. The counts are of one catalogue; titles of products that come
later are weighed by them until they are counted anew.
"""

import collections
import dataclasses
import json
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from fitrank_tf.queries.misspellings import misspellings
from fitrank_tf.queries.query_words import query_words
from fitrank_tf.queries.request_words import request_words
from fitrank_tf.queries.words import article_words, known_words, wording

K1, B = 1.2, 0.75
# As of a word that a third of the products have. Of 10,781 real titles, requests with talk
# around colour, article type and gender found 7.5 fitting products among the first ten
# instead of 4.1, and titles were found as before; without those words, fewer were.
SMALL_IDF = 1.0
# Letters. Shorter words keep their "s": "us", "bus", "gas".
_MIN_PLURAL_LENGTH = 4
# Their singular is another word, as in "short sleeves". Of others that the wording has no
# singular for, titles have one: "trouser".
_NO_SINGULAR = ("shorts", "flats", "tights", "shades")
# Products. Terms of fewer are often ids or misspelt themselves. In 10,781 real titles this
# halves how many everyday English words would be taken for misspellings (from 1.9 %).
_LEAST_PRODUCTS = 5
# Misspellings in the table, those of the most frequent terms: some 20 MiB of memory.
_MOST_MISSPELLINGS = 2**18


@dataclasses.dataclass(frozen=True)
class TitleTerms:
    """The terms of texts: words in singular and plural.

    Attributes:
        words: {word that a shopper may type: number of its term}, with misspellings.
        written: {word of the texts: number of its term}.
        idf: float64 [terms], the logarithm of BM25, at most `SMALL_IDF` for words such as
            "for" and "with".
        mean_length: words of a text that has any.
    """

    words: Mapping[str, int]
    written: Mapping[str, int]
    idf: np.ndarray
    mean_length: float

    @classmethod
    def of(
        cls, texts: Iterable[Sequence[str]], correct: Collection[str] = ()
    ) -> "TitleTerms":
        """The terms of texts, which are read once and not kept.

        Args:
            texts: the words of each, by `query_words`.
            correct: words that are no misspellings, beside those of the texts,
                `known_words` and `request_words`.
        """
        singular: dict[str, str] = {}
        holders: collections.Counter[str] = collections.Counter()
        filled = length = 0
        for words in texts:
            for word in words:
                if word not in singular:
                    singular[word] = _singular(word)
            holders.update({singular[word] for word in words})
            filled += bool(words)
            length += len(words)
        numbers = {term: number for number, term in enumerate(sorted(holders))}
        written = {word: numbers[term] for word, term in singular.items()}
        found = np.array([holders[term] for term in numbers], np.int64)
        most = np.full(len(numbers), np.inf)
        most[[written[w] for w in request_words() if w in written]] = SMALL_IDF
        idf = np.minimum(np.log1p((filled - found + 0.5) / (found + 0.5)), most)
        known = known_words().union(request_words())
        inflected = {
            form: number
            for term, number in numbers.items()
            for form in article_words(term)
            if _singular(form) == term
        }
        spelt = {w: t for w, t in inflected.items() if w in known} | written
        misspelt = _misspelt(spelt, found, known.union(correct))
        typed = misspelt | inflected | written
        return cls(typed, written, idf, length / max(filled, 1))

    def to_json(self) -> str:
        """The terms as text."""
        return json.dumps(dataclasses.asdict(self) | {"idf": self.idf.tolist()})

    @classmethod
    def from_json(cls, text: str) -> "TitleTerms":
        """Reads what `to_json` gave."""
        plain = json.loads(text)
        return cls(**(plain | {"idf": np.array(plain["idf"], np.float64)}))

    def weight(self, counts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """What BM25 multiplies the logarithm of a term with; see `bm25`.

        Args:
            counts: how often the term stands in a text.
            lengths: the words of this text.
        """
        relative = lengths / self.mean_length if self.mean_length else 0.0
        return counts / (counts + K1 * (1 - B + B * relative))

    def weights(self, text: str) -> dict[int, float]:
        """{term: its BM25 weight, above 0} of a text; words of no term are left out."""
        words = query_words(text)
        counts = collections.Counter(self.written[w] for w in words if w in self.written)
        terms = np.array(list(counts), np.int64)
        occurrences = np.array(list(counts.values()), np.int64)
        weights = self.idf[terms] * self.weight(occurrences, np.array(len(words)))
        return dict(zip(terms.tolist(), weights.astype(np.float32).tolist()))


def _singular(word: str) -> str:
    is_word = len(word) >= _MIN_PLURAL_LENGTH and word.isalpha()
    if not is_word or word.endswith(_NO_SINGULAR):
        return word
    if word.endswith(tuple(wording()["plural_only"])):
        return word[:-1]
    return min(article_words(word), key=len)


def _misspelt(
    words: Mapping[str, int], found: np.ndarray, correct: Collection[str]
) -> dict[str, int]:
    """{misspelling: number of the only term that it is one of}.

    Args:
        words: {correct word: number of its term}.
        found: int [terms], the number of texts that have each term.
        correct: words that are no misspellings.
    """
    meant: dict[str, set[int]] = {}
    for word, term in sorted(words.items(), key=lambda of: (-found[of[1]], of[0])):
        if found[term] < _LEAST_PRODUCTS or len(meant) > _MOST_MISSPELLINGS:
            break
        for wrong in misspellings(word):
            meant.setdefault(wrong, set()).add(term)
    return {w: of.pop() for w, of in meant.items() if len(of) == 1 and w not in correct}
