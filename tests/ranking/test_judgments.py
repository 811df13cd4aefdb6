"""Queries and grades, by hand."""

import pytest

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.datasets.item import ATTRIBUTES
from fitrank_tf.inputs.facets import FACETS, named_facets
from fitrank_tf.ranking.judgments import Judge
from fitrank_tf.ranking.queries import FACET, TITLE, Query, facet_queries, title_queries

PRODUCTS = [
    ("1", "Acme Men Red Check Shirt", "Men", "Red", "Shirts"),
    ("2", "ACME men red  check shirt", "Men", "Red", "Shirts"),  # the twin of 1
    ("3", "Bolt Women Red Shirt", "Women", "Red", "Shirts"),
    ("4", "Bolt Women Blue Shirt", "Women", "Blue", "Shirts"),
    ("5", "Crux Men Red Casual Shoes", "Men", "Red", "Casual Shoes"),
    ("6", "Crux Thing", "", "", ""),
]


@pytest.fixture(scope="module")
def records() -> CatalogueRecords:
    columns = {name: [""] * len(PRODUCTS) for name in ATTRIBUTES}
    for row, (_, _, gender, colour, article) in enumerate(PRODUCTS):
        columns["gender"][row], columns["colour"][row] = gender, colour
        columns["article_type"][row] = article
    return CatalogueRecords(
        ids=tuple(product[0] for product in PRODUCTS),
        texts=tuple(product[1] for product in PRODUCTS),
        attributes={name: tuple(values) for name, values in columns.items()},
        splits=("test",) * len(PRODUCTS),
    )


def _facets(**wanted: str) -> Query:
    return Query("q", "any", FACET, tuple(wanted.items()))


@pytest.mark.parametrize(
    ("query", "grades"),
    [
        # both facets named: full match 4, one of two floor(3 / 2) = 1, other article 0
        (_facets(article_type="Shirts", colour="Red"), [4, 4, 4, 1, 0, 0]),
        # three named: 2 of 3 shared gives 2, 1 of 3 gives 1
        (_facets(article_type="Shirts", colour="Red", gender="Men"), [4, 4, 2, 1, 0, 0]),
        (_facets(article_type="Casual Shoes", colour="Blue"), [0, 0, 0, 0, 1, 0]),
        (_facets(colour="Red"), [4, 4, 4, 0, 4, 0]),
        (Query("q", "nothing known", "given"), [0, 0, 0, 0, 0, 0]),
    ],
)
def test_facet_grades(records, query: Query, grades: list[int]) -> None:
    assert Judge(records).grades(query).tolist() == grades


def test_title_grades_the_product_and_its_twin_4_and_a_full_match_3(records) -> None:
    query = title_queries(records)[2]
    assert (query.kind, query.text) == (TITLE, "Bolt Women Red Shirt")
    # 1 and 2 share article and colour of three named facets, 4 article and gender
    assert Judge(records).grades(query).tolist() == [2, 2, 4, 2, 0, 0]
    assert Judge(records).grades(title_queries(records)[0]).tolist()[:2] == [4, 4]


def test_an_unnamed_facet_changes_no_grade(records) -> None:
    query = _facets(article_type="Shirts", colour="Red")
    other = {**records.attributes, "gender": ("Boys",) * len(records)}
    changed = CatalogueRecords(records.ids, records.texts, other, records.splits)
    before, after = Judge(records).grades(query), Judge(changed).grades(query)
    assert before.tolist() == after.tolist()


def test_qrels_hold_the_grades_above_0(records) -> None:
    query = _facets(article_type="Shirts", colour="Blue")
    assert Judge(records).qrels([query]) == {"q": {"4": 4, "1": 1, "2": 1, "3": 1}}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Acme Men Red Check Shirt", ("gender", "colour", "article_type")),
        ("Acme Redwood Shirtless Mention", ()),
        ("Red T-shirt for men's shirts", ("gender", "colour", "article_type")),
    ],
)
def test_named_facets_are_whole_words(title: str, expected: tuple[str, ...]) -> None:
    attributes = dict.fromkeys(FACETS, "") | {
        "gender": "Men",
        "colour": "Red",
        "article_type": "Shirts",
    }
    assert named_facets(title, attributes) == expected


def test_facet_queries_are_deterministic_and_name_what_they_want(records) -> None:
    queries = facet_queries(records, 20, seed=4)
    assert queries == facet_queries(records, 20, seed=4)
    assert queries != facet_queries(records, 20, seed=5)
    assert len({query.id for query in queries}) == 20
    words = {"Red": "red", "Blue": "blue"}
    for query in queries:
        wanted = dict(query.wanted)
        assert "article_type" in wanted
        assert 2 <= len(wanted) <= 4
        assert ("colour" in wanted) == any(word in query.text for word in words.values())
        if "colour" in wanted:
            assert words[wanted["colour"]] in query.text


def test_products_without_facets_give_no_facet_query(records) -> None:
    assert facet_queries(records.select([5]), 5, seed=0) == []
