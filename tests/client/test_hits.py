"""Hits from an answer's arrays, and as text."""

import json

import numpy as np
import pytest

from fitrank_tf.client.hits import (
    Answer,
    Hit,
    check_top_k,
    format_json,
    format_table,
    read_hits,
)
from fitrank_tf.core.errors import FitRankError

ANSWER = {
    "ids": np.array([b"7", b"3", b""], object),
    "titles": np.array(["Größe M".encode(), b"cut \xc3", b""], object),
    "scores": np.array([1.5, -0.25, -3e38], np.float32),
}
EXPLAINED = {**ANSWER, "explanations": np.array([b"colour +1.00", b"", b""], object)}
HITS = [Hit(1, "7", "Größe M", 1.5), Hit(2, "3", "cut \ufffd", -0.25)]


@pytest.mark.parametrize(("top_k", "count"), [(1, 1), (2, 2), (5, 2)])
def test_padding_is_no_hit_and_texts_are_str(top_k: int, count: int) -> None:
    assert read_hits(ANSWER, top_k) == HITS[:count]


def test_explanations_are_read_where_they_are() -> None:
    first, second = read_hits(EXPLAINED, 2)
    assert (first.explanation, second.explanation) == ("colour +1.00", "")
    assert [(hit.id, hit.score) for hit in (first, second)] == [("7", 1.5), ("3", -0.25)]


def test_first_stage_ranks_are_read_where_they_are() -> None:
    ranked = read_hits({**ANSWER, "first_stage_ranks": np.array([4, 1, 2])}, 2)
    assert [hit.first_stage_rank for hit in ranked] == [4, 1]
    assert [hit.first_stage_rank for hit in HITS] == [None, None]


def test_lists_are_read_as_arrays_are() -> None:
    lists = {name: values.tolist() for name, values in EXPLAINED.items()}
    assert read_hits(lists, 2) == read_hits(EXPLAINED, 2)


def test_no_hit_at_all_below_one() -> None:
    check_top_k(1)
    with pytest.raises(FitRankError, match="top_k 0: give at least 1"):
        check_top_k(0)


def test_json_has_what_there_is() -> None:
    [line] = format_json(Answer(read_hits(EXPLAINED, 2), "colour Red")).splitlines()
    answer = json.loads(line)
    first, second = answer["hits"]
    assert answer["understood"] == "colour Red"
    assert first["explanation"] == "colour +1.00" and first["title"] == "Größe M"
    assert second == {"rank": 2, "id": "3", "title": "cut \ufffd", "score": -0.25}
    untitled = json.loads(format_json(Answer([Hit(1, "7", "", 0.0)])))
    assert untitled == {"hits": [{"rank": 1, "id": "7", "title": "", "score": 0.0}]}
    assert json.loads(format_json(Answer([], ""))) == {"understood": "", "hits": []}


def test_table_is_aligned() -> None:
    hits = [Hit(1, "7", "Bag", 12.5), Hit(10, "12345", "Red Shirt", 0.25)]
    assert format_table(hits).splitlines() == [
        "rank  id       score  title",
        "   1  7      12.5000  Bag",
        "  10  12345   0.2500  Red Shirt",
    ]


def test_the_table_has_a_column_of_explanations_only_if_there_is_one() -> None:
    assert format_table(HITS).splitlines()[0].split() == ["rank", "id", "score", "title"]
    header, first, _ = format_table(read_hits(EXPLAINED, 2)).splitlines()
    assert first.index("colour") == header.index("explanation")
