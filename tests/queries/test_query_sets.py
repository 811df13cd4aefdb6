"""Query sets are deterministic, and name their wanted values."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.datasets.synthetic_catalogue.facets import random_facets
from fitrank_tf.datasets.synthetic_catalogue.titles import write_title
from fitrank_tf.export.graphs.request_reader import RequestReader, read_facets
from fitrank_tf.queries.grades import EXACT
from fitrank_tf.queries.judgments import Judge
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.queries.query_sets import (
    FACET,
    GIVEN,
    MISSPELT_SHARE,
    TITLE,
    Query,
    facet_queries,
    sample_of_each_kind,
    single_facet_queries,
    title_queries,
    with_misspellings,
)
from fitrank_tf.queries.words import plain_words
from tests.fashion import ATTRIBUTES, DECLARATION


def test_title_queries_quote_their_product_and_name_its_facets(records) -> None:
    queries = title_queries(records)
    assert [query.id for query in queries] == [f"title-{n}" for n in range(1, 7)]
    assert all(query.kind == TITLE and query.text == query.title for query in queries)
    assert dict(queries[4].wanted) == {
        "gender": "Men",
        "colour": "Red",
        "article_type": "Casual Shoes",
    }
    assert queries[5].wanted == ()


def test_products_without_a_title_give_no_title_query(records) -> None:
    titles = ("A shirt", "", " \t", *records.texts[3:])
    queries = title_queries(dataclasses.replace(records, texts=titles))
    assert [query.id for query in queries] == [f"title-{n}" for n in (1, 4, 5, 6)]


def test_facet_queries_are_deterministic_and_name_their_wanted_values(records) -> None:
    queries = facet_queries(records, 20, seed=4)
    assert queries == facet_queries(records, 20, seed=4)
    assert queries != facet_queries(records, 20, seed=5)
    assert len({query.id for query in queries}) == 20
    words = {"Red": "red", "Blue": "blue"}
    for query in queries:
        wanted = dict(query.wanted)
        assert "article_type" in wanted
        assert 2 <= len(wanted) <= 5
        assert ("colour" in wanted) == any(word in query.text for word in words.values())
        if "colour" in wanted:
            assert words[wanted["colour"]] in query.text


@pytest.fixture(scope="module")
def drawn() -> CatalogueRecords:
    """300 products of the drawn catalogue, without their photos."""
    rng = np.random.default_rng(0)
    facets = [random_facets(rng) for _ in range(300)]
    attributes = [product.attributes() for product in facets]
    return CatalogueRecords(
        ids=tuple(map(str, range(300))),
        texts=tuple(write_title(rng, product) for product in facets),
        attributes={
            name: tuple(given.get(name, "") for given in attributes) for name in ATTRIBUTES
        },
        splits=("test",) * 300,
        declaration=DECLARATION,
    )


def test_facet_queries_name_two_to_five_facets(drawn) -> None:
    queries = facet_queries(drawn, 400, seed=1)
    assert {len(query.wanted) for query in queries} == {2, 3, 4, 5}
    asked = {facet for query in queries for facet, _ in query.wanted}
    assert asked == {"gender", "colour", "article_type", "usage"} | {
        *("season", "pattern", "sleeve", "neckline")
    }


def test_a_value_in_the_article_type_is_not_repeated(records) -> None:
    casual = {**records.attributes, "usage": ("Casual",) * len(records)}
    shoes = dataclasses.replace(records, attributes=casual).select([4])
    shirts = dataclasses.replace(records, attributes=casual).select([0])
    for products, said in ((shoes, False), (shirts, True)):
        wanted = [dict(query.wanted) for query in facet_queries(products, 40, seed=0)]
        assert any("usage" in of for of in wanted) == said


def test_a_tenth_of_the_facet_queries_is_misspelt_and_otherwise_equal(drawn) -> None:
    clean = facet_queries(drawn, 400, seed=2)
    queries = with_misspellings(clean, drawn, seed=2)
    assert queries == with_misspellings(clean, drawn, seed=2)
    assert queries != with_misspellings(clean, drawn, seed=3)
    titles = {word for title in drawn.texts for word in plain_words(title).split()}
    right = {word for query in clean for word in plain_words(query.text).split()}
    changed = [pair for pair in zip(clean, queries) if pair[0] != pair[1]]
    assert len(changed) == MISSPELT_SHARE * 400
    for before, after in changed:
        assert dataclasses.replace(after, text=before.text) == before
        assert after.kind == FACET
        words = zip(plain_words(before.text).split(), plain_words(after.text).split())
        ((word, wrong),) = [(a, b) for a, b in words if a != b]
        assert len(word) >= 5 and abs(len(word) - len(wrong)) <= 1
        assert wrong not in titles | right


def test_without_a_long_word_nothing_is_misspelt(records) -> None:
    clean = [
        dataclasses.replace(query, text="red tee")
        for query in facet_queries(records, 10, seed=0)
    ]
    assert with_misspellings(clean, records, seed=0) == clean
    assert with_misspellings([], records, seed=0) == []


def test_queries_are_parsed_into_their_wanted_values(drawn) -> None:
    """From values to words and back, misspelt ones too, with another split's lexicon."""
    lexicon = FacetLexicon.of(drawn.select(range(200)))
    names = [(facet, value) for facet, values in lexicon.values for value in values]
    queries = [
        query
        for seed in range(3)
        for query in with_misspellings(facet_queries(drawn, 300, seed), drawn, seed)
        if set(query.wanted) <= set(names)
    ]
    queries += single_facet_queries(drawn, "article_type", seed=0)
    queries += single_facet_queries(drawn, "colour", seed=0)
    assert len(queries) > 800
    asked = read_facets(RequestReader(lexicon), [query.text for query in queries])
    for query, row in zip(queries, asked):
        found = {names[number] for number in np.flatnonzero(row)}
        assert found == set(query.wanted), query.text


def test_products_without_facets_give_no_facet_query(records) -> None:
    assert facet_queries(records.select([5]), 5, seed=0) == []
    # An article type alone is a query of a single facet.
    kind = ("Shirts",) * len(records)
    bare = {name: ("",) * len(records) for name in ATTRIBUTES} | {"article_type": kind}
    products = dataclasses.replace(records, attributes=bare)
    assert facet_queries(products, 5, seed=0) == []


@pytest.mark.parametrize(
    ("facet", "copies", "wanted"),
    [
        # Of ten copies each there are 40 shirts, 10 shoes; 40 red things, 10 blue ones.
        ("article_type", 10, {"Casual Shoes": 10, "Shirts": 40}),
        ("colour", 10, {"Blue": 10, "Red": 40}),
        ("colour", 3, {"Red": 12}),
        ("colour", 2, {}),
    ],
)
def test_single_facet_queries_name_values_of_ten_products_or_more(
    records, facet, copies, wanted
) -> None:
    many = records.select(np.tile(np.arange(len(records)), copies))
    queries = single_facet_queries(many, facet, seed=0)
    assert [dict(query.wanted) for query in queries] == [{facet: value} for value in wanted]
    assert {query.kind for query in queries} <= {facet}
    for query, count in zip(queries, wanted.values()):
        grades = Judge(many).grades(query)
        assert np.count_nonzero(grades == EXACT) == np.count_nonzero(grades) == count
        assert " " not in query.id
    assert queries == single_facet_queries(many, facet, seed=0)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, []),
        (1, ["c"]),
        (3, ["a1", "b1", "c"]),
        (5, ["a1", "b1", "b2", "c"]),
        (6, ["a1", "a3", "b1", "b2", "c"]),
    ],
)
def test_the_sample_has_all_kinds_and_no_text_twice(count, shown) -> None:
    """a1 and a2 have the same text; b3 has the text of a query of another kind."""
    worded = {"a1": "shirt", "a2": "shirt", "a3": "red shirt", "a4": "belt"}
    worded |= {"b1": "blue", "b2": "red", "b3": "belt", "c": "navy hat"}
    kinds = {"a": TITLE, "b": FACET, "c": GIVEN}
    queries = [Query(key, text, kinds[key[0]]) for key, text in worded.items()]
    assert [query.id for query in sample_of_each_kind(queries, count)] == shown


def test_products_without_a_decisive_value_give_no_facet_query(records) -> None:
    kinds = tuple(
        "" if n in (0, 2) else kind
        for n, kind in enumerate(records.attributes["article_type"])
    )
    attributes = {**records.attributes, "article_type": kinds}
    products = dataclasses.replace(records, attributes=attributes)
    queries = facet_queries(products, 30, seed=0)
    assert len(queries) == 30
    assert {query.id.rpartition("-")[2] for query in queries} == {"2", "4", "5"}


def test_without_a_decisive_facet_any_two_are_asked_for(records) -> None:
    declaration = dataclasses.replace(DECLARATION, decisive="")
    queries = facet_queries(
        dataclasses.replace(records, declaration=declaration), 60, seed=0
    )
    asked = {tuple(facet for facet, _ in query.wanted) for query in queries}
    assert asked == {
        ("gender", "colour"),
        ("gender", "article_type"),
        ("colour", "article_type"),
        ("gender", "colour", "article_type"),
    }


@pytest.mark.parametrize(("count", "each"), [(5, {1}), (10, {2}), (12, {2, 3})])
def test_products_serve_equally_often(records, count: int, each: set[int]) -> None:
    queries = facet_queries(records, count, seed=3)
    assert [query.id.split("-")[1] for query in queries] == [
        f"{number:05d}" for number in range(count)
    ]
    served = Counter(query.id.split("-")[2] for query in queries)
    assert len(served) == 5 and {*served.values()} == each
