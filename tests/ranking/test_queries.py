"""Query sets: deterministic, and they ask for what they say they want."""

import numpy as np
import pytest

from fitrank_tf.ranking.judgments import EXACT, Judge
from fitrank_tf.ranking.queries import (
    TITLE,
    facet_queries,
    single_facet_queries,
    title_queries,
)


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
def test_single_facets_are_those_that_ten_products_share(
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
