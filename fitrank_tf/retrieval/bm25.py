"""Text search by BM25: which products' texts hold the words of a query.

The weights are those of Lucene without its rounding of lengths, "Lucene (accurate)" of
Kamphuis, de Vries, Boytsov and Lin, "Which BM25 do you mean?" (ECIR 2020), with Lucene's
k1 and b: of a term that stands tf times among the dl words of a product, and in df of the N
products that have words,

    log(1 + (N - df + 0.5) / (df + 0.5)) * tf / (tf + k1 * (1 - b + b * dl / mean dl))

The logarithm is at most `SMALL_IDF` for words such as "for" and "with", which are rare in
titles and frequent in requests.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence

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
class Bm25Index:
    """The terms of N products' texts, and the products of each term.

    A term is a word in singular and plural. Its postings are the products that have it.

    Attributes:
        terms: {word that a shopper may type: number of its term}, with misspellings.
        splits: int64 [terms + 1]; the postings of term t are splits[t] to splits[t + 1].
        products: int32 [postings], positions of products, ascending within a term.
        weights: float32 [postings], above 0.
        num_products: N.

    Example:
        >>> index = Bm25Index.of(["Blue Shirts", "Red Shirt", ""])
        >>> index.scores(["a red shirt"]).argmax()
        1
    """

    terms: Mapping[str, int]
    splits: np.ndarray
    products: np.ndarray
    weights: np.ndarray
    num_products: int

    @classmethod
    def of(cls, texts: Sequence[str], correct: Collection[str] = ()) -> "Bm25Index":
        """The index of N products' texts.

        Args:
            texts: N titles or descriptions, "" for none.
            correct: words that are no misspellings, beside those of the texts,
                `known_words` and `request_words`.
        """
        words = [query_words(text) for text in texts]
        singular = {word: _singular(word) for word in set().union(*words)}
        numbers = {term: n for n, term in enumerate(sorted(set(singular.values())))}
        written = {word: numbers[term] for word, term in singular.items()}
        occurrences = [written[word] for of in words for word in of]
        lengths = np.array([len(of) for of in words], np.int64)
        most = np.full(len(numbers), np.inf)
        most[[written[w] for w in request_words() if w in written]] = SMALL_IDF
        terms, products, weights = _postings(np.array(occurrences, np.int64), lengths, most)
        found = np.bincount(terms, minlength=len(numbers))
        known = known_words().union(request_words())
        inflected = {
            form: number
            for term, number in numbers.items()
            for form in article_words(term)
            if _singular(form) == term
        }
        spelt = {w: t for w, t in inflected.items() if w in known} | written
        misspelt = _misspelt(spelt, found, known.union(correct))
        return cls(
            misspelt | inflected | written,
            np.concatenate([[0], np.cumsum(found)]),
            products.astype(np.int32),
            weights.astype(np.float32),
            len(texts),
        )

    def scores(self, queries: Sequence[str]) -> np.ndarray:
        """How well each product's text answers each query.

        A term counts once, however often the query has it.

        Returns:
            float32 [queries, N]: 0 for a product without a word of the query.
        """
        scores = np.zeros((len(queries), self.num_products), np.float32)
        for row, query in zip(scores, queries):
            words = query_words(query)
            for term in dict.fromkeys(self.terms[w] for w in words if w in self.terms):
                postings = slice(self.splits[term], self.splits[term + 1])
                row[self.products[postings]] += self.weights[postings]
        return scores


def _postings(
    occurrences: np.ndarray, lengths: np.ndarray, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Terms, products and weights of the postings, by term and then by product.

    Args:
        occurrences: int64 [words of all products], the terms of one product after another.
        lengths: int64 [N], the number of words of each product.
        most: float64 [terms], upper bounds of the logarithm.
    """
    size = max(len(lengths), 1)
    holders = np.repeat(np.arange(len(lengths)), lengths)
    keys, counts = np.unique(occurrences * size + holders, return_counts=True)
    terms, products = np.divmod(keys, size)
    filled = np.count_nonzero(lengths)
    found = np.bincount(terms)
    idf = np.minimum(np.log1p((filled - found + 0.5) / (found + 0.5)), most)
    relative = lengths[products] * filled / max(lengths.sum(), 1)
    return terms, products, idf[terms] * counts / (counts + K1 * (1 - B + B * relative))


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
        found: int [terms], the number of products that have each term.
        correct: words that are no misspellings.
    """
    meant: dict[str, set[int]] = {}
    for word, term in sorted(words.items(), key=lambda of: (-found[of[1]], of[0])):
        if found[term] < _LEAST_PRODUCTS or len(meant) > _MOST_MISSPELLINGS:
            break
        for wrong in misspellings(word):
            meant.setdefault(wrong, set()).add(term)
    return {w: of.pop() for w, of in meant.items() if len(of) == 1 and w not in correct}
