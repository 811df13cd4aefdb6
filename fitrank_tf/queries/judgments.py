"""Graded relevance: how well each product answers a query.

The grade depends only on the words of the query:

- 4, exact: for a title query, a product with this very title; for a facet query, a
  product that shares every facet that the query names.
- 1 to 3: a product that shares some of the named facets, the decisive one (the article
  type, if the catalogue declares it so) if it is named; the grade is floor(3 * shared /
  named).
- 0: another article type than the named one, or less than a third of the facets shared.
  A red shoe is not relevant to "red shirt".

A product of several values shares a facet if one of them is named. A number is shared by
the products of its range (`attributes.Attribute.ranges`).

A facet that the query does not name never changes a grade: for "red shirt", men's and
women's red shirts have the same grade. Binary measures count only grade 4 (`EXACT`) as
relevant; nDCG uses the grades.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.datasets.splits import title_key
from fitrank_tf.queries.grades import EXACT, partial_grade
from fitrank_tf.queries.query_sets import TITLE, Query


class Judge:
    """Grades queries against one catalogue.

    Args:
        records: the catalogue's products.
    """

    def __init__(self, records: CatalogueRecords):
        self._ids = records.ids
        self._titles = np.array([title_key(text) for text in records.texts], dtype=object)
        self._decisive = records.declaration.decisive
        self._rows = {
            facet: _rows_by_value(of) for facet, of in records.facet_values.items()
        }

    def grades(self, query: Query) -> np.ndarray:
        """The grade of every product for a query.

        Returns:
            int32 [N], 0 to 4.
        """
        grades = self._facet_grades(query)
        if query.title:
            grades[self._titles == title_key(query.title)] = EXACT
        return grades

    def _facet_grades(self, query: Query) -> np.ndarray:
        if not query.wanted:
            return np.zeros(len(self._ids), np.int32)
        matches = {pair: self._has(*pair) for pair in query.wanted}
        shared = np.sum(list(matches.values()), axis=0)
        grades = partial_grade(shared, len(matches))
        if query.kind != TITLE:
            grades[shared == len(matches)] = EXACT
        for (facet, _), has in matches.items():
            if facet == self._decisive:
                grades[~has] = 0
        return grades.astype(np.int32)

    def _has(self, facet: str, value: str) -> np.ndarray:
        """bool [N]: which products have a value."""
        has = np.zeros(len(self._ids), bool)
        has[self._rows[facet].get(value, [])] = True
        return has

    def qrels(self, queries: Sequence[Query]) -> Mapping[str, dict[str, int]]:
        """{query id: {product id: grade}}, with the grades above 0 only."""
        judged = {}
        for query in queries:
            grades = self.grades(query)
            rows = np.flatnonzero(grades)
            judged[query.id] = {self._ids[row]: int(grades[row]) for row in rows}
        return judged


def _rows_by_value(of_products: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, values in enumerate(of_products):
        for value in values:
            rows.setdefault(value, []).append(row)
    return rows
