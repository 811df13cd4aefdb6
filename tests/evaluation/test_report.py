"""The table: every number in its cell, rows in the order of the stages."""

import pytest

from fitrank_tf.evaluation.metrics import MEASURES
from fitrank_tf.evaluation.report import ResultRow, results_table


def row(system: str, kind: str, first: float, num_queries: int = 7) -> ResultRow:
    """A row whose values are first, first + 0.01, ..."""
    values = {name: first + 0.01 * n for n, name in enumerate(MEASURES)}
    return ResultRow(system, kind, num_queries, values)


def parsed(table: str) -> list[list[str]]:
    """The cells of each line."""
    return [[c.strip() for c in line[1:-1].split(" | ")] for line in table.splitlines()]


def test_rows_by_kind_then_by_stage_with_every_value():
    rows = [
        row("reranked", "title", 0.3, 1234),
        row("ablated", "title", 0.4),
        row("clip", "facets", 0.1),
        row("clip", "title", 0.12341),
        row("clip_lora", "title", 0.2),
    ]
    header, rule, *body = parsed(results_table(rows))
    assert header == ["queries", "system", *MEASURES, "n"]
    assert all(set(cell) <= {"-", ":"} for cell in rule)
    assert [line[:2] for line in body] == [
        ["title", "clip"],
        ["title", "clip_lora"],
        ["title", "reranked"],
        ["title", "ablated"],
        ["facets", "clip"],
    ]
    expected = ["0.1234", "0.1334", "0.1434", "0.1534", "0.1634", "0.1734", "7"]
    assert body[0][2:] == expected
    assert body[2][-1] == "1234"


def test_columns_are_aligned():
    table = results_table([row("clip", "a long kind of query", 0.1), row("clip", "x", 0.1)])
    lines = table.splitlines()
    bars = [[n for n, letter in enumerate(line) if letter == "|"] for line in lines]
    assert table.endswith("|\n") and bars.count(bars[0]) == len(lines) == 4


def test_a_bar_in_a_name_does_not_start_a_column():
    assert "red \\| blue" in results_table([row("clip", "red | blue", 0.1)])


def test_a_missing_measure_is_named():
    with pytest.raises(ValueError, match=r"'clip' lack \['RR'\]"):
        ResultRow("clip", "title", 1, {name: 0.0 for name in MEASURES if name != "RR"})
