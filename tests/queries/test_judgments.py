"""Grades, by hand."""

import dataclasses

import pytest

from fitrank_tf.queries.judgments import Judge
from fitrank_tf.queries.query_sets import FACET, TITLE, Query, title_queries
from tests.queries.small_records import small_records


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


def test_products_of_the_title_have_grade_4_and_a_full_match_3(records) -> None:
    query = title_queries(records)[2]
    assert (query.kind, query.text) == (TITLE, "Bolt Women Red Shirt")
    # 1 and 2 share article and colour of three named facets, 4 article and gender
    assert Judge(records).grades(query).tolist() == [2, 2, 4, 2, 0, 0]
    assert Judge(records).grades(title_queries(records)[0]).tolist()[:2] == [4, 4]


@pytest.mark.parametrize("named", [("gender", "colour", "article_type"), ("colour",)])
def test_a_title_query_grades_a_full_match_of_another_title_3(named) -> None:
    """A product with all its facets but another title is near, not exact."""
    shirt = {"gender": "Men", "colour": "Red", "article_type": "Shirts"}
    products = small_records(
        ("1", "Acme Men Red Shirt", shirt),
        ("2", "Bolt Men Red Shirt", shirt),
        ("3", "acme men  RED shirt", shirt),
        ("4", "Crux Blue Kurta", {"colour": "Blue", "article_type": "Kurtas"}),
    )
    wanted = tuple((facet, shirt[facet]) for facet in named)
    query = Query("q", "any", TITLE, wanted, title="Acme Men Red Shirt")
    assert Judge(products).grades(query).tolist() == [4, 3, 4, 0]
    assert Judge(products).grades(Query("q", "any", FACET, wanted)).tolist() == [4, 4, 4, 0]


def test_an_unnamed_facet_changes_no_grade(records) -> None:
    query = _facets(article_type="Shirts", colour="Red")
    other = {**records.attributes, "gender": ("Boys",) * len(records)}
    changed = dataclasses.replace(records, attributes=other)
    before, after = Judge(records).grades(query), Judge(changed).grades(query)
    assert before.tolist() == after.tolist()


def test_qrels_hold_the_grades_above_0(records) -> None:
    query = _facets(article_type="Shirts", colour="Blue")
    assert Judge(records).qrels([query]) == {"q": {"4": 4, "1": 1, "2": 1, "3": 1}}
