"""Logs as shops write them, read into counts and compared with pandas-free sums."""

import gzip
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from fitrank_tf.clicks.counts import RANDOMISED, SWAPPED, ClickCounts
from fitrank_tf.clicks.log_options import LogOptions, SessionRules
from fitrank_tf.clicks.read_log import read_click_log
from fitrank_tf.core.errors import FitRankError

_HEAD = "query,product,position,clicked\n"


def _as_dict(counts: ClickCounts) -> dict[tuple[str, str, int], tuple[int, int]]:
    return {
        (counts.queries[q], counts.products[d], k): (n, c)
        for q, d, k, n, c in zip(
            counts.query.tolist(),
            counts.product.tolist(),
            counts.position.tolist(),
            counts.impressions.tolist(),
            counts.clicks.tolist(),
        )
    }


def _rows(count: int = 3000) -> list[tuple[str, str, int, int]]:
    rng = np.random.default_rng(0)
    return [
        (
            f"shirt {rng.integers(9)}",
            f"p{rng.integers(20)}",
            int(k),
            int(rng.random() < 0.3),
        )
        for k in rng.integers(1, 6, count)
    ]


@pytest.mark.parametrize("kind", ["csv", "semicolon", "quoted", "gz", "parquet", "utf-16"])
def test_counts_are_the_sums_of_the_rows(tmp_path, kind):
    rows = _rows()
    path = tmp_path / "log"
    table = pa.table(dict(zip(_HEAD.strip().split(","), map(list, zip(*rows)))))
    text = _HEAD + "".join(f"{q},{d},{k},{c}\n" for q, d, k, c in rows)
    if kind == "parquet":
        pq.write_table(table, path, row_group_size=500)
    elif kind == "quoted":
        pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="all_valid"))
    elif kind == "gz":
        path = tmp_path / "log.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))
    elif kind == "semicolon":
        path.write_text("\ufeff" + text.replace(",", ";").replace("\n", "\r\n"))
    else:
        path.write_text(text, encoding="utf-16" if kind == "utf-16" else "utf-8")
    log = read_click_log([str(path)])
    shown, clicked = Counter(), Counter()
    for *key, click in rows:
        shown[tuple(key)] += 1
        clicked[tuple(key)] += click
    assert _as_dict(log.counts) == {key: (shown[key], clicked[key]) for key in shown}
    assert log.rows == len(rows) and not log.left_out


def test_what_is_wrong_is_counted_and_named_and_the_rest_is_read(tmp_path):
    path = tmp_path / "log.csv"
    lines = [
        b"Red  Shirt,p1,1,1",
        b"red shirt,p1,1,0",
        b"red shirt,p1,-2,1",
        b"red shirt,p1,top,1",
        b"red shirt,p1,99,1",
        b",p1,1,1",
        b"caf\xe9,p1,1,1",
        b"red shirt,gone,1,1",
        b"red shirt,p2,2,maybe",
        b"red shirt,p2,2,1,7",
        b"red shirt,p2",
        b'red "shirt,p2,2,1',
        b'"red shirt,p2,2,1',
        "café,p2,2,true".encode(),
    ]
    path.write_bytes(_HEAD.encode() + b"\n".join(lines) + b"\n")
    other = tmp_path / "other.csv"
    other.write_text("query,sku,clicked\na,b,1\n")
    log = read_click_log([str(path), str(other)], known={"p1", "p2"})
    assert _as_dict(log.counts) == {
        ("Red Shirt", "p1", 1): (2, 1),
        ("café", "p2", 2): (1, 1),
        ('red "shirt', "p2", 2): (1, 1),
    }
    assert log.rows == len(lines)
    named = " ".join(log.left_out)
    for word in (
        "'-2'",
        "position",
        "empty",
        "UTF-8",
        "'gone'",
        "'maybe'",
        "cells",
        "quotes",
    ):
        assert word in named
    assert sum(log.left_out.values()) == len(lines) - log.counts.impressions.sum()


def test_counts_of_impressions_and_interventions(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(
        "search term;SKU;rank;clicks;impressions;randomized;swapped\n"
        "a;p;0;3;9;1;0\na;p;0;2;1;0;0\na;p;1;0;0;0;0\nb;p;1;1;4;0;yes\n"
    )
    log = read_click_log([str(path)], LogOptions(first_position=0))
    assert _as_dict(log.counts) == {("a", "p", 1): (9, 3), ("b", "p", 2): (4, 1)}
    assert log.counts.intervention.tolist() == [RANDOMISED, SWAPPED]
    assert sorted(log.left_out.values()) == [1, 1]


@pytest.mark.parametrize(
    ("queries", "rows_each", "clicked", "seconds", "kept"),
    [
        (3, 4, 1, 600, True),
        (1, 4, 1, 600, False),
        (12, 4, 1, 600, False),
        (3, 8, 8, 600, False),
        (10, 2, 0, 61, False),
    ],
    ids=["shopper", "one query", "many queries", "clicks all", "fast"],
)
def test_sessions_of_robots_are_left_out(
    tmp_path, queries, rows_each, clicked, seconds, kept
):
    path = tmp_path / "log.csv"
    lines = ["session,time,query,product,position,clicked"]
    for place, query in enumerate(range(queries)):
        time = 1000 + seconds * place / max(queries - 1, 1)
        lines += [
            f"s,{time},q{query},p{k},{k},{int(k <= clicked)}"
            for k in range(1, rows_each + 1)
        ]
    # A shopper who is kept, so that the log has a row in any case.
    lines += [f"other,2026-01-01T10:{k}0:00,r{k},x,1,0" for k in range(2)]
    path.write_text("\n".join(lines))
    rules = SessionRules(most_queries=11, most_per_minute=9.0)
    log = read_click_log([str(path)], rules=rules)
    assert (log.counts.impressions.sum() == queries * rows_each + 2) == kept
    assert bool(log.left_out) != kept


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("query,product,clicked\na,b,1\n", "--columns position=NAME"),
        (_HEAD + "a,b,-1,1\n", "no row can be used"),
        ("", "empty"),
    ],
)
def test_a_log_of_nothing_is_refused(tmp_path, text, word):
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(FitRankError, match=word):
        read_click_log([str(path)])
