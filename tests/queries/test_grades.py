"""Grades of products that share some facets, by hand."""

import numpy as np
import pytest

from fitrank_tf.queries.grades import (
    EXACT,
    GAINS,
    grade_table,
    partial_grade,
)


@pytest.mark.parametrize(
    ("named", "grades"),
    [(1, [0, 3]), (2, [0, 1, 3]), (3, [0, 1, 2, 3]), (4, [0, 0, 1, 2, 3])]
    + [(5, [0, 0, 1, 1, 2, 3])],
)
def test_partial_grades_are_thirds_rounded_down(named: int, grades: list[int]) -> None:
    assert [partial_grade(shared, named) for shared in range(named + 1)] == grades
    assert partial_grade(np.arange(named + 1), named).tolist() == grades


def test_the_grade_table_is_exact_on_its_diagonal_and_0_above() -> None:
    expected = [[0, 0, 0, 0], [0, 4, 0, 0], [0, 1, 4, 0], [0, 1, 2, 4]]
    table = grade_table(3)
    assert table.tolist() == expected
    assert table.dtype == np.float32
    assert grade_table(0).tolist() == [[0]]


def test_grades_gains_and_the_decisive_facet() -> None:
    assert EXACT == 4
    assert GAINS == (0, 1, 2, 3, 15)
