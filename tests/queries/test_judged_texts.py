"""Judged queries as training texts: how often, and which products are no negatives."""

import numpy as np
import pytest

from fitrank_tf.queries import judged_texts
from fitrank_tf.queries.judged import JudgedQuery
from fitrank_tf.queries.judged_texts import with_judged_texts
from fitrank_tf.queries.texts import TEXTS_PER_PRODUCT, training_texts
from fitrank_tf.towers.training.losses import matching_pairs


def _query(text: str, **grades: float) -> JudgedQuery:
    products = tuple(name.removeprefix("p") for name in grades)
    ones = np.ones(len(products), np.float32)
    return JudgedQuery(text, products, np.float32([*grades.values()]), ones)


QUERIES = [
    _query("party wear", p1=3, p3=1, p4=0, x=3),
    _query("for the office", p1=1, p6=3),
    _query("nothing fits", p2=0),
]


@pytest.fixture(scope="module")
def found(records):
    texts = training_texts(records, 0)
    return texts, with_judged_texts(texts, records, QUERIES, (), 0.4)


def test_a_wanted_product_has_its_queries_as_often_as_their_gains_say(found) -> None:
    own, judged = found
    counts = [
        {query.text: [text.text for text in of].count(query.text) for query in QUERIES}
        for of in judged.texts
    ]
    wear, office, nothing = (query.text for query in QUERIES)
    assert counts[0] == {wear: 6, office: 2, nothing: 0}
    assert counts[2] == {wear: 8, office: 0, nothing: 0}
    assert counts[5] == {wear: 0, office: 8, nothing: 0}
    for row in (1, 3, 4):
        assert judged.texts[row] == own[row]
    assert all(len(of) == TEXTS_PER_PRODUCT for of in judged.texts)


def test_who_wants_a_query_is_no_negative_of_it_nor_are_their_twins(found) -> None:
    _, judged = found
    for query, rows in ((QUERIES[0], [0, 1, 2]), (QUERIES[1], [0, 1, 5])):
        row, place = next(
            (row, place)
            for row, of in enumerate(judged.texts)
            for place, text in enumerate(of)
            if text.text == query.text
        )
        codes = judged.text_codes[row, place][np.newaxis]
        mask = np.asarray(matching_pairs(judged.product_codes, codes))[:, 0]
        assert np.flatnonzero(mask).tolist() == rows
    # Texts that are no query match nobody here.
    assert not judged.text_codes[1].any()


def test_queries_without_room_are_left_out_and_counted(
    records, caplog, monkeypatch
) -> None:
    monkeypatch.setattr(judged_texts, "_MOST_COLUMNS", 1)
    judged = with_judged_texts(training_texts(records, 0), records, QUERIES, (), 0.4)
    assert [text.text for text in judged.texts[0]].count("party wear") == 8
    (line,) = caplog.messages
    assert line == "1 judged queries are no training texts: their products have 1 others"


def test_without_judgments_nothing_changes(records) -> None:
    own = training_texts(records, 0)
    judged = with_judged_texts(own, records, (), (), 0.0)
    assert judged.texts == own
    assert judged.product_codes.shape == (len(own), 0)
    assert judged.text_codes.shape == (len(own), TEXTS_PER_PRODUCT, 0)
