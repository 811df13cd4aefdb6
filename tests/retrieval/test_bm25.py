"""BM25 against bm25s, and which words of a query are which terms."""

import math

import bm25s
import numpy as np
import pytest

from fitrank_tf.queries.query_words import query_words
from fitrank_tf.retrieval import title_terms
from fitrank_tf.retrieval.bm25 import Bm25Index
from fitrank_tf.retrieval.title_terms import TitleTerms

SWEATERS, SANDALS = {"Blue Sweater", "Red Sweaters"}, {"Sandals", "blue SANDAL"}
# Terms that are frequent enough for misspellings, and one that is not.
SHOP = [*SWEATERS, *SANDALS] * 3 + ["Woollen"]


def _found(query: str, texts: list[str] = SHOP, **options) -> set[str]:
    scores = Bm25Index.of(texts, **options).scores([query])[0]
    return {text for text, score in zip(texts, scores) if score > 0}


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_bm25s(seed: int) -> None:
    draw = np.random.default_rng(seed)
    # Words with digits have no plural and no misspelling.
    vocabulary = np.array([f"w{number}" for number in range(60)])

    def sentence(length: int) -> list[str]:
        return draw.choice(vocabulary, length, p=draw.dirichlet(np.full(60, 0.3))).tolist()

    texts = [sentence(length) for length in draw.integers(1, 15, 80)]
    queries = [list(dict.fromkeys(sentence(5))) for _ in range(40)]
    reference = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
    reference.index(texts, show_progress=False)
    known = set().union(*texts)
    expected = [reference.get_scores([w for w in q if w in known]) for q in queries]
    scores = Bm25Index.of([" ".join(t) for t in texts]).scores(
        [" ".join(q) for q in queries]
    )
    assert scores.dtype == np.float32 and scores.shape == (40, 80)
    np.testing.assert_allclose(scores, expected, rtol=2e-6)


def test_one_weight_by_hand() -> None:
    scores = Bm25Index.of(["a1 b2", "a1", ""]).scores(["b2", "b2 c3 b2"])
    # log(1 + 1.5 / 1.5) / (1 + 1.2 * (0.25 + 0.75 * 2 / 1.5)), counted once
    np.testing.assert_allclose(scores, [[math.log(2) / 2.5, 0, 0]] * 2, rtol=1e-6)


def test_products_without_words_change_nothing() -> None:
    texts = ["red shirt", "blue shirt shirt", "hat"]
    queries = ["shirts red", "hat", "nothing", ""]
    fewer = Bm25Index.of(texts).scores(queries)
    more = Bm25Index.of(["", *texts, "--"]).scores(queries)
    np.testing.assert_array_equal(more[:, 1:-1], fewer)
    assert not more[:, [0, -1]].any() and not more[2:].any()


def test_talk_counts_less_than_what_is_wanted() -> None:
    texts = ["red kurta"] * 5 + ["blue kurta"] * 5 + ["shirt for me with i"] + ["cap"] * 30
    scores = Bm25Index.of(texts).scores(["i need a red kurta for me", "for", "red"])
    assert set(scores[0].argsort()[-5:]) == set(range(5))
    # The logarithm is 1 at most; the title has 5 words where the mean is 55 / 41.
    share = 1 / (1 + 1.2 * (0.25 + 0.75 * 5 / (55 / 41)))
    assert scores[1, 10] == pytest.approx(share, rel=1e-6)
    # "Red" is no small word.
    assert scores[2, 0] > 1 / (1 + 1.2 * (0.25 + 0.75 * 2 / (55 / 41)))


@pytest.mark.parametrize("texts", [[], [""], ["", "!"]])
def test_an_index_without_a_word(texts: list[str]) -> None:
    scores = Bm25Index.of(texts).scores(["red", ""])
    np.testing.assert_array_equal(scores, np.zeros((2, len(texts)), np.float32))


def test_a_word_of_every_product_has_a_small_weight_above_0() -> None:
    scores = Bm25Index.of(["shirt red", "shirt blue", "shirt hat"] * 5).scores(
        ["shirt red"]
    )
    assert (scores > 0).all()
    assert scores[0, 0] > 20 * scores[0, 1]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("shirt", "shirts"),
        ("dresses", "dress"),
        ("WATCH", "watches"),
        ("scarves", "scarf"),
        ("bags", "bag"),
        ("trouser", "trousers"),
        ("ｓｈｉｒｔ", "shirt"),
        ("womens", "women's"),
    ],
)
def test_singular_and_plural_are_one_term(query: str, text: str) -> None:
    assert _found(query, [text, "hat"]) == {text}
    assert _found(text, [query, "hat"]) == {query}


@pytest.mark.parametrize(
    ("query", "text"), [("short", "shorts"), ("flat", "flats"), ("u", "us"), ("", "s")]
)
def test_other_words_are_not(query: str, text: str) -> None:
    assert _found(query, [text]) == set()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sweeter", SWEATERS),
        ("sweates", SWEATERS),  # of "sweater" and of "sweaters": one term
        ("snadals", SANDALS),
        ("snadlas", set()),  # two errors
        ("blye", set()),  # four letters
        ("wollen", set()),  # of one product only
    ],
)
def test_a_misspelling_of_one_term_is_that_term(query: str, found: set[str]) -> None:
    assert _found(query) == found


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        (["sweeter"], {}),  # a word of the texts
        ([], {"correct": ["sweeter"]}),
        (["sweetar"] * 5, {}),  # also a misspelling of another term
    ],
)
def test_what_is_no_misspelling(texts: list[str], options: dict) -> None:
    assert not SWEATERS & _found("sweeter", SHOP + texts, **options)


def test_the_plural_of_a_brand_is_not_misspelt() -> None:
    index = Bm25Index.of(["Fila"] * 5 + ["Sandal"] * 5)
    assert index.terms["filas"] == index.terms["fila"]
    assert index.terms["snadals"] == index.terms["sandal"]
    assert "files" not in index.terms


@pytest.mark.parametrize(("word", "text"), [("shorts", "shirts"), ("thing", "thong")])
def test_words_of_the_wording_are_no_misspellings(word: str, text: str) -> None:
    assert word not in Bm25Index.of([text] * 5).terms


def test_misspellings_are_bounded_and_of_the_most_frequent_words(monkeypatch) -> None:
    monkeypatch.setattr(title_terms, "_MOST_MISSPELLINGS", 1)
    index = Bm25Index.of(["sandals"] * 5 + ["sweater"] * 6)
    assert index.terms["sweeter"] == index.terms["sweater"]
    assert "snadals" not in index.terms


def test_a_text_alone_has_the_weights_of_the_index() -> None:
    texts = ["Blue Shirts for Men", "Red Shirt shirt", "", "Bag for women", "Blue bag"]
    index = Bm25Index.of(texts)
    terms = TitleTerms.of(query_words(text) for text in texts)
    assert dict(index.terms) == dict(terms.words)
    of_index = np.zeros((len(texts), len(terms.idf)), np.float32)
    for term in range(len(terms.idf)):
        postings = slice(index.splits[term], index.splits[term + 1])
        of_index[index.products[postings], term] = index.weights[postings]
    alone = np.zeros_like(of_index)
    for row, text in enumerate(texts):
        for term, weight in terms.weights(text).items():
            alone[row, term] = weight
    np.testing.assert_array_equal(alone, of_index)
    assert terms.weights("unheard-of xyzzy") == {}
