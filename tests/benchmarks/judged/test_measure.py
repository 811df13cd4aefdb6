"""Measures of graded runs, by hand."""

import numpy as np

from benchmarks.judged.measure import first_grades, table

QRELS = {"a": {"p1": 3, "p2": 2, "p3": 0}, "b": {"p4": 3}}
GOOD = {"a": [("p1", 2.0), ("p2", 1.0), ("p9", 0.5)], "b": [("p4", 1.0)]}
POOR = {"a": [("p3", 2.0), ("p9", 1.0)]}


def test_the_first_ten_of_each_judged_query() -> None:
    expected = [[3, 2, -1] + [-2] * 7, [3] + [-2] * 9]
    np.testing.assert_array_equal(first_grades(GOOD, QRELS), expected)


def test_a_row_a_run() -> None:
    lines = table({"poor": POOR, "good": GOOD}, QRELS).splitlines()
    poor, good = (line.strip("| ").split(" | ") for line in lines[2:4])
    # Of twenty places two are useful and exact, one useful; grades add up to eight.
    assert good[:4] == ["good", "0.150", "0.100", "0.400"]
    assert good[4:7] == ["1.000", "0.050", "1.000"]
    # One place of twenty has no grade; nobody graded p9.
    assert poor[:4] == ["poor", "0.000", "0.000", "0.000"]
    assert poor[5:7] == ["0.050", "0.000"]
    assert lines[-1] == "2 requests"
