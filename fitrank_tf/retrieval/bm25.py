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

from fitrank_tf.queries.query_words import query_words
from fitrank_tf.retrieval.title_terms import TitleTerms


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
        terms = TitleTerms.of(words, correct)
        occurrences = [terms.written[word] for of in words for word in of]
        lengths = np.array([len(of) for of in words], np.int64)
        size = max(len(lengths), 1)
        holders = np.repeat(np.arange(len(lengths)), lengths)
        # The postings, by term and then by product.
        keys, counts = np.unique(
            np.array(occurrences, np.int64) * size + holders, return_counts=True
        )
        of_term, products = np.divmod(keys, size)
        found = np.bincount(of_term, minlength=len(terms.idf))
        weights = terms.idf[of_term] * terms.weight(counts, lengths[products])
        return cls(
            terms.words,
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
