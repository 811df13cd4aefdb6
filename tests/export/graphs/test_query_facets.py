"""What a query names: against a plain search for phrases, in and out of a graph."""

import json

import numpy as np
import pytest
import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.export.graphs.query_facets import QueryFacets
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.words import plain_words
from tests.queries.small_records import small_records

LEXICON = FacetLexicon(
    (
        ("gender", ("Men", "Women")),
        ("colour", ("Blue", "Navy Blue", "Red")),
        ("article_type", ("Casual Shoes", "Tshirts")),
        ("sleeve", ("Three-Quarter Sleeves",)),
    )
)
NAMES = [value for _, values in LEXICON.values for value in values]


def _by_hand(text: str) -> set[str]:
    """The longest phrases first, each word used once."""
    said, found = f" {plain_words(text)} ".replace(" ", "  "), set()
    for phrase in sorted(LEXICON.phrases, key=lambda form: -len(form.split())):
        written = f" {phrase.replace(' ', '  ')} "
        if written in said:
            found |= {NAMES[number] for number in LEXICON.phrases[phrase]}
            said = said.replace(written, "  |  ")
    return found


def _named(query_facets: np.ndarray) -> set[str]:
    return {NAMES[number] for number in np.flatnonzero(query_facets)}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("navy blue t-shirt for women", {"Navy Blue", "Tshirts", "Women"}),
        ("blue tee", {"Blue", "Tshirts"}),
        ("navy shirt", {"Navy Blue"}),
        ("navvy blue tshitrs for wmen", {"Navy Blue", "Tshirts", "Women"}),
        ("navy bluee tee", {"Navy Blue", "Tshirts"}),
        ("navvy bluee tee", {"Navy Blue", "Blue", "Tshirts"}),
        ("three quarter slevees", {"Three-Quarter Sleeves"}),
        ("snaekers", {"Casual Shoes"}),
        ("shoes", {"Casual Shoes"}),
        ("redd mens", {"Men"}),
        ("Navy-BLUE & red sneakers", {"Navy Blue", "Red", "Casual Shoes"}),
        ("blue navy blue", {"Blue", "Navy Blue"}),
        ("men's casual shoes, three quarter sleeves", None),
        ("women", {"Women"}),
        ("", set()),
        ("  ?!  ", set()),
        ("redder menu", set()),
        ("crème brûlée 👟 red", {"Red"}),
    ],
)
def test_the_longest_phrase_is_what_is_asked_for(text: str, named) -> None:
    query_facets = QueryFacets(LEXICON)(tf.constant([text])).numpy()[0]
    assert _named(query_facets) == (_by_hand(text) if named is None else named)
    assert _named(query_facets) == _by_hand(text)


def test_a_graph_gives_the_same_and_rows_are_independent() -> None:
    draw = np.random.default_rng(0)
    words = [*LEXICON.phrases, "shoe", "of", "a", "é", "blue!"]
    texts = [" ".join(draw.choice(words, size)) for size in draw.integers(0, 9, 200)]
    module = QueryFacets(LEXICON)
    graph = tf.function(module, input_signature=[tf.TensorSpec([None], tf.string)])
    together = graph(tf.constant(texts)).numpy()
    assert together.shape == (200, len(NAMES))
    for text, query_facets in zip(texts, together):
        np.testing.assert_array_equal(module(tf.constant([text])).numpy()[0], query_facets)
        assert set(np.unique(query_facets)) <= {0.0, 1.0}
    assert graph(tf.constant([], tf.string)).shape == (0, len(NAMES))


def test_broken_bytes_and_ten_thousand_characters() -> None:
    query_facets = QueryFacets(LEXICON)(
        tf.constant([b"red \xff\xfe shoes", b"red " * 2500])
    )
    assert [_named(row) for row in query_facets.numpy()] == [
        {"Red", "Casual Shoes"},
        {"Red"},
    ]


@pytest.mark.parametrize("word", ["a ", "é ", "日 ", "👗 "], ids=[1, 2, 3, 4])
def test_the_first_512_characters_are_read_whatever_their_bytes(word: str) -> None:
    texts = [word * 254 + "red", word * 256 + "red"]
    named = [_named(row) for row in QueryFacets(LEXICON)(tf.constant(texts)).numpy()]
    assert named == [{"Red"}, set()]


def test_a_catalogue_without_facets_is_asked_for_nothing() -> None:
    assert QueryFacets(FacetLexicon(()))(tf.constant(["red", ""])).shape == (2, 0)


def test_a_lexicon_has_the_values_of_its_products() -> None:
    records = small_records(
        ("1", "a", {"colour": "Red", "article_type": "Shirts"}),
        ("2", "b", {"colour": "Blue"}),
        ("3", "c", {"colour": "Red", "gender": "Men"}),
    )
    lexicon = FacetLexicon.of(records)
    assert FacetLexicon.from_json(lexicon.to_json()) == lexicon
    codes = lexicon.codes(records)
    assert lexicon.facets == ("gender", "colour", "article_type")
    assert codes.shape == (3, 3)
    for column, (facet, values) in enumerate(lexicon.values):
        assert values == tuple(sorted(set(records.attributes[facet]) - {""}))
        for code, value in zip(codes[:, column], records.attributes[facet]):
            assert value == (values[code] if code >= 0 else "")
    # Of another catalogue, a value that these products do not have.
    other = small_records(("9", "d", {"colour": "Mauve", "gender": "Men"}))
    assert lexicon.codes(other).tolist() == [[0, -1, -1]]


SHIRTS = FacetLexicon(
    (("article_type", ("Shirts", "Skirts")), ("pattern", ("Checked", "Plain")))
)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("red check shirt", {"Shirts", "Checked"}),
        ("red chekc shitr", {"Shirts", "Checked"}),
        ("shiirt", {"Shirts"}),
        ("skiirt", {"Skirts"}),
        ("sirt", set()),  # of shirt and of skirt
        ("shorts", set()),  # this catalogue has none, but they are no shirts
        ("plan", set()),
    ],
)
def test_misspelt_words_mean_one_thing_or_nothing(text: str, named: set[str]) -> None:
    names = [value for _, values in SHIRTS.values for value in values]
    query_facets = QueryFacets(SHIRTS)(tf.constant([text])).numpy()[0]
    assert {names[number] for number in np.flatnonzero(query_facets)} == named


def test_a_word_of_the_titles_is_no_misspelling() -> None:
    attributes = {"colour": "Purple", "article_type": "Shirts"}
    assert (
        "purble"
        not in FacetLexicon.of(small_records(("1", "Purble Shirt", attributes))).phrases
    )
    lexicon = FacetLexicon.of(small_records(("1", "Pruple's SHRIT", attributes)))
    assert lexicon.title_words == ("pruple", "shrit")
    assert {"purpel", "shirrt"} < lexicon.phrases.keys()
    assert not {"pruple", "shrit"} & lexicon.phrases.keys()
    assert FacetLexicon.from_json(lexicon.to_json()) == lexicon


def test_misspelt_phrases_stand_beside_the_forms_and_never_in_their_place() -> None:
    for lexicon in (LEXICON, SHIRTS):
        for form, numbers in lexicon.forms.items():
            assert lexicon.phrases[form] == numbers
        words = {word for form in lexicon.forms for word in form.split()}
        for phrase in lexicon.phrases.keys() - lexicon.forms.keys():
            wrong = [word for word in phrase.split() if word not in words]
            assert len(wrong) == 1 and len(wrong[0]) >= 4


def test_a_values_own_name_is_no_other_value() -> None:
    lexicon = FacetLexicon(
        (("pattern", ("Checked", "Plaid")), ("gender", ("Boys", "Girls")))
    )
    assert lexicon.phrases["plaid"] == (1,)
    assert lexicon.phrases["checked"] == (0,)
    assert lexicon.phrases["kids"] == (2, 3)


def test_a_lexicon_of_an_older_version_is_read() -> None:
    older = FacetLexicon.from_json(json.dumps(dict(LEXICON.values)))
    assert older == LEXICON


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", '"values"', '{"values": 1}', '{"values": {"a": ["b"]}}']
    + ['{"colour": "Red"}', '{"values": {"a": [1]}, "title_words": []}'],
)
def test_another_file_is_no_lexicon(text: str) -> None:
    with pytest.raises(FitRankError, match=r"lexicon\.json.*fitrank train"):
        FacetLexicon.from_json(text)
