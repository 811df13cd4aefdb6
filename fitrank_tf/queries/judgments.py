"""Graded relevance: which products answer a query, and how well.

The rule, from the query's own words alone:

- 4: what was asked for. A title query: a product of this very title. A facet
  query: a product that shares every facet that the query names.
- 1 to 3: the right kind of product with some of the rest: the article type, if
  named, is shared, and floor(3 * shared / named) is the grade.
- 0: another article type than the named one, or less than a third shared. A red
  shoe is no answer to "red shirt".

A facet that the query does not name never changes a grade: who types "red
shirt" gets the same judgment for men's and for women's. Binary measures count
grade 4 alone (`EXACT`); nDCG uses the grades.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.datasets.splits import title_key
from fitrank_tf.queries.facets import FACETS
from fitrank_tf.queries.grades import EXACT, KIND, partial_grade
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
        if KIND in matches:
            grades[~matches[KIND]] = 0
        return grades.astype(np.int32)

    def qrels(self, queries: Sequence[Query]) -> Mapping[str, dict[str, int]]:
        """{query id: {product id: grade}}, grades above 0 only."""
        judged = {}
        for query in queries:
            grades = self.grades(query)
            rows = np.flatnonzero(grades)
            judged[query.id] = {self._ids[row]: int(grades[row]) for row in rows}
        return judged
