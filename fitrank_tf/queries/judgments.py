"""Graded relevance: how well each product answers a query.

The grade depends only on the words of the query:

- 4, exact: for a title query, a product with this very title; for a facet query, a
  product that shares every facet that the query names.
- 1 to 3: a product of the right article type, if one is named, that shares some of the
  named facets; the grade is floor(3 * shared / named).
- 0: another article type than the named one, or less than a third of the facets shared.
  A red shoe is not relevant to "red shirt".

A facet that the query does not name never changes a grade: for "red shirt", men's and
women's red shirts have the same grade. Binary measures count only grade 4 (`EXACT`) as
relevant; nDCG uses the grades.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.datasets.splits import title_key
from fitrank_tf.queries.facets import FACETS
from fitrank_tf.queries.grades import DECISIVE_FACET, EXACT, partial_grade
from fitrank_tf.queries.query_sets import TITLE, Query


class Judge:
    """Grades queries against one catalogue.

    Args:
        records: the catalogue's products.
    """

    def __init__(self, records: CatalogueRecords):
        self._ids = records.ids
        self._titles = np.array([title_key(text) for text in records.texts], dtype=object)
        self._values = {
            facet: np.array(records.attributes[facet], dtype=object) for facet in FACETS
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
        matches = {facet: self._values[facet] == value for facet, value in query.wanted}
        shared = np.sum(list(matches.values()), axis=0)
        grades = partial_grade(shared, len(matches))
        if query.kind != TITLE:
            grades[shared == len(matches)] = EXACT
        if DECISIVE_FACET in matches:
            grades[~matches[DECISIVE_FACET]] = 0
        return grades.astype(np.int32)

    def qrels(self, queries: Sequence[Query]) -> Mapping[str, dict[str, int]]:
        """{query id: {product id: grade}}, with the grades above 0 only."""
        judged = {}
        for query in queries:
            grades = self.grades(query)
            rows = np.flatnonzero(grades)
            judged[query.id] = {self._ids[row]: int(grades[row]) for row in rows}
        return judged
