"""Logs as shops write them, read into counts and compared with pandas-free sums."""

import datetime
import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from fitrank_tf.clicks.counts import RANDOMISED, RANKED, SWAPPED, ClickCounts
from fitrank_tf.clicks.log_options import LogOptions, SessionRules
from fitrank_tf.clicks.read_log import ClickLog, read_click_log
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


def _read(folder: Path, text: str, **options: object) -> ClickLog:
    path = folder / "log.csv"
    path.write_text(text)
    return read_click_log([str(path)], LogOptions(**options))


def test_what_was_read_is_reported(tmp_path):
    lines = "Red  hat,p,1,1\nred Hat,p,1,0\ncap,p,2,0\n,p,1,1\ncap,p,0,1\ncap,p,-7,1\n"
    assert _read(tmp_path, _HEAD + lines).report() == (
        "6 rows: 3 impressions and 1 clicks of 2 queries and 1 products are kept\n"
        "left out: 2 rows: `position` is '0'; whole numbers from 1 are read, "
        "--first_position changes where they begin\n"
        "left out: 1 rows: `query` is empty; write it in each row"
    )


@pytest.mark.parametrize(
    ("cell", "first", "position"),
    [
        *(("1", 1, 1), ("1.0", 1, 1), (" 7 ", 1, 7), ("1e1", 1, 10), ("50", 1, 50)),
        *(("0", 0, 1), ("49", 0, 50), ("5", 5, 1)),
        *(
            ("51", 1, None),
            ("50", 0, None),
            ("0", 1, None),
            ("-1", 0, None),
            ("4", 5, None),
        ),
        *(("2.5", 1, None), ("", 1, None), ("top", 1, None), ("inf", 1, None)),
    ],
)
def test_positions_are_whole_numbers_from_the_first(tmp_path, cell, first, position):
    log = _read(tmp_path, f"{_HEAD}a,p,{first + 1},0\nb,p,{cell},0\n", first_position=first)
    read = {query: k for query, _, k in _as_dict(log.counts)}
    assert read == {"a": 2} | ({"b": position} if position else {})
    if position:
        assert not log.left_out
        return
    # What does not begin at the first, and what is too far below it.
    below = cell in ("50", "51")
    said = "`position` is below the first 50, as {}" if below else "`position` is {}; whole"
    ((why, count),) = log.left_out.items()
    assert why.startswith(said.format(repr(cell))) and count == 1


def test_as_many_positions_are_read_as_are_asked_for(tmp_path):
    lines = "".join(f"a,p,{k},0\n" for k in range(1, 7))
    log = _read(tmp_path, _HEAD + lines, most_positions=4)
    assert log.counts.position.tolist() == [1, 2, 3, 4]
    assert [*log.left_out.values()] == [2]


@pytest.mark.parametrize(
    ("cells", "click"),
    [
        (["1", "true", "T", "Yes", "y", " TRUE "], 1),
        (["0", "False", "f", "NO", "n", ""], 0),
        (["2", "maybe", "-1", "1.0.0"], None),
    ],
)
def test_clicks_are_yes_or_no(tmp_path, cells: list[str], click):
    lines = "".join(f"a,p{n},1,{cell}\n" for n, cell in enumerate(cells))
    log = _read(tmp_path, f"{_HEAD}a,x,1,1\n{lines}")
    read = {
        product: clicks for (_, product, _), (_, clicks) in _as_dict(log.counts).items()
    }
    assert read.pop("x") == 1
    assert read == ({} if click is None else {f"p{n}": click for n in range(len(cells))})
    assert sum(log.left_out.values()) == (len(cells) if click is None else 0)


@pytest.mark.parametrize(
    ("impressions", "clicks", "why"),
    [
        *(("9", "9", ""), ("9", "0", ""), ("1", "1.0", ""), ("2147483647", "3", "")),
        ("9", "10", "`clicks` are more than `impressions`, as '10'"),
        ("0", "0", "`impressions` is 0: nothing was shown"),
        ("2147483648", "3", "`impressions` is '2147483648'; write whole numbers from 0"),
        ("-1", "-2", "`impressions` is '-1'; write whole"),
        ("9", "-1", "`clicks` is '-1'; write whole"),
        ("9", "1.5", "`clicks` is '1.5'; write whole"),
        ("", "1", "`impressions` is ''; write whole"),
    ],
)
def test_counts_are_whole_numbers(tmp_path, impressions: str, clicks: str, why: str):
    head = "query,product,position,impressions,clicks\n"
    log = _read(tmp_path, f"{head}a,p,1,5,2\nb,p,1,{impressions},{clicks}\n")
    read = _as_dict(log.counts)
    assert read.pop(("a", "p", 1)) == (5, 2)
    assert [*read.values()] == ([] if why else [(int(impressions), int(float(clicks)))])
    assert [text.startswith(why) for text in log.left_out] == [True] * bool(why)


def test_interventions_are_marked_by_yes_or_no(tmp_path):
    head = "query,product,position,clicked,randomised,swapped\n"
    rows = ["1,0", "yes,no", "0,1", "1,1", ",", "perhaps,0", "0,2"]
    lines = "".join(f"q,p{n},1,0,{row}\n" for n, row in enumerate(rows))
    log = _read(tmp_path, head + lines)
    kinds = [RANDOMISED, RANDOMISED, SWAPPED, SWAPPED, RANKED]
    assert log.counts.intervention.tolist() == kinds
    assert [*log.left_out] == [
        "`randomised` is 'perhaps'; write 1 or 0",
        "`swapped` is '2'; write 1 or 0",
    ]


def test_cells_that_parquet_lacks_are_empty(tmp_path):
    """In the first rows, in the last and in between, over several groups of rows."""
    columns = {
        "query": ["a", None, "b", "c", "d", None],
        "product": [None, "p", "q", "r", "s", "t"],
        "position": [1, 2, None, 3, 4, 5],
        "clicked": [True, True, True, False, None, True],
    }
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=3)
    good = tmp_path / "good.parquet"
    pq.write_table(pa.table(columns).slice(3, 1), good)
    log = read_click_log([str(path), str(good)])
    assert _as_dict(log.counts) == {("c", "r", 3): (2, 0), ("d", "s", 4): (1, 0)}
    assert log.rows == 7 and sum(log.left_out.values()) == 4
    assert {why.partition(";")[0]: count for why, count in log.left_out.items()} == {
        "`query` is empty": 2,
        "`product` is empty": 1,
        "`position` is ''": 1,
    }


def test_an_example_of_what_is_wrong_is_short(tmp_path):
    log = _read(tmp_path, f"{_HEAD}a,p,1,1\nb,p,1,{'maybe ' * 20}\nb,p,1,never\n")
    assert dict(log.left_out) == {
        f"`clicked` is {('maybe ' * 20)[:40]!r}; write 1 or 0 into each row": 2
    }


def test_files_that_cannot_be_read_are_named(tmp_path, caplog):
    good = tmp_path / "good.csv"
    good.write_text(_HEAD + "a,p,1,1\n")
    gone = [str(tmp_path / "one.csv"), str(tmp_path / "two.csv")]
    assert read_click_log([gone[0], str(good)]).rows == 1
    assert len(caplog.messages) == 1 and "one.csv" in caplog.messages[0]
    with pytest.raises(FitRankError, match=r"one\.csv"):
        read_click_log(gone)
    with pytest.raises(FitRankError, match="name one or more files of clicks"):
        read_click_log([])


def test_rows_without_a_session_are_left_out(tmp_path):
    head = "session,query,product,position,clicked\n"
    lines = "".join(f"s,q{n},p,1,0\n{' ' * n},q{n},p,1,0\n" for n in range(2))
    log = _read(tmp_path, head + lines.replace("\n ,", "\n,"))
    assert log.counts.impressions.sum() == 2
    assert dict(log.left_out) == {"`session` is empty": 2}


_DAY = datetime.datetime(2026, 5, 1, 10)


@pytest.mark.parametrize(
    "kind", [str, datetime.datetime.isoformat, datetime.datetime.timestamp]
)
@pytest.mark.parametrize("table", ["csv", "parquet"])
@pytest.mark.parametrize(("seconds", "kept"), [(61, False), (90, True)])
def test_times_are_read_in_all_forms(tmp_path, kind, table: str, seconds: int, kept: bool):
    """Ten queries in 61 seconds are more than nine a minute, in 90 they are not."""
    times = [kind(_DAY + datetime.timedelta(seconds=seconds * n / 9)) for n in range(10)]
    columns = {"session": ["s"] * 10 + ["t"] * 2, "time": [*times, times[0], times[0]]}
    columns |= {"query": [f"q{n}" for n in range(12)], "product": ["p"] * 12}
    columns |= {"position": [1] * 12, "clicked": [0] * 12}
    path = tmp_path / f"log.{table}"
    (pq.write_table if table == "parquet" else pa_csv.write_csv)(pa.table(columns), path)
    log = read_click_log([str(path)], rules=SessionRules(most_per_minute=9.0))
    assert log.counts.impressions.sum() == (12 if kept else 2)


@pytest.mark.parametrize("cell", ["noon", "", "99999-01-01"])
def test_without_times_no_session_is_too_fast(tmp_path, cell: str):
    head = "session,time,query,product,position,clicked\n"
    lines = "".join(f"s,{cell},q{n},p,1,0\n" for n in range(10))
    path = tmp_path / "log.csv"
    path.write_text(head + lines)
    log = read_click_log([str(path)], rules=SessionRules(most_per_minute=1.0))
    assert log.counts.impressions.sum() == 10 and not log.left_out
