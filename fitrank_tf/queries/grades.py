"""Grades of products that share some of a query's facets, and the gain of each grade.

`queries.judgments` states the rule in words. Judgments and the re-ranker's expected
grade both use these numbers.
"""

import numpy as np

EXACT = 4
_PARTIAL = 3
# The gain of each grade in the training losses of rankers. trec_eval's nDCG gives an exact
# product 4/3 of the gain of grade 3; P, mAP and RR count only exact products; 15 lies
# between. On validation products 15 instead of 10 gave title queries R@10 0.801 for 0.792
# and nDCG@10 0.816 for 0.821, facet queries R@10 0.604 for 0.599 and nDCG@10 0.823 for
# 0.825 (three seeds).
GAINS = (0.0, 1.0, 2.0, 3.0, 15.0)


def partial_grade(shared: np.ndarray, named: int) -> np.ndarray:
    """Grades of products that share some, not all, of the facets that a query names.

    Args:
        shared: int [N], how many of the named facets each product shares.
        named: how many facets the query names, above 0.

    Returns:
        int [N], 0 to 3: floor(3 * shared / named).
    """
    return (_PARTIAL * shared) // named


def grade_of_gain(gains: np.ndarray) -> np.ndarray:
    """Grades, between whole ones where need be, that have some gains.

    The gain of a grade between whole ones lies between theirs, in proportion.

    Args:
        gains: float [N], 0 to the highest of `GAINS`.

    Returns:
        float32 [N], 0 to 4.
    """
    return np.interp(gains, GAINS, np.arange(len(GAINS))).astype(np.float32)


def grade_table(num_facets: int) -> np.ndarray:
    """Grades by the number of named and of shared facets.

    Args:
        num_facets: F.

    Returns:
        float32 [F + 1, F + 1]: row, facets that the query names; column, how many of
        these the product shares, the decisive one among them.
    """
    table = np.zeros((num_facets + 1, num_facets + 1), np.float32)
    for named in range(1, num_facets + 1):
        table[named, : named + 1] = partial_grade(np.arange(named + 1), named)
        table[named, named] = EXACT
    return table
