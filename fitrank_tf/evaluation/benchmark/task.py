"""A benchmark's task: what is asked, what is searched, what is right, and the measures."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fitrank_tf.datasets.catalogue import CatalogueRecords
from fitrank_tf.datasets.splits import hash_fraction
from fitrank_tf.evaluation.benchmark.measures import CUTS
from fitrank_tf.evaluation.trec import check_id

# What queries and documents are. A product is 0.9 of its photo's embedding and 0.1 of its
# text's, of length 1 (Marqo's protocol).
TEXT, PHOTO, PRODUCT = "text", "photo", "product"


@dataclasses.dataclass(frozen=True)
class Task:
    """One task of a benchmark.

    Attributes:
        name: such as "text to image".
        asks: `TEXT` or `PHOTO`.
        finds: `TEXT`, `PHOTO` or `PRODUCT`.
        queries: {query id: text, or the id of the Item whose photo asks}.
        documents: {document id: text, or the id of its Item}.
        qrels: {query id: {document id: 1}}, at least one for each query.
        measures: names of `measures.CUTS`.
        excludes_query: whether a query's own document is taken out of its results.
        differs: how it differs from the published protocol; "" if it does not.
        left_out: queries that are not asked because no document is right for them.
    """

    name: str
    asks: str
    finds: str
    queries: Mapping[str, str]
    documents: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    measures: tuple[str, ...]
    excludes_query: bool = False
    differs: str = ""
    left_out: int = 0

    def check_ids(self) -> None:
        """Raises FitRankError for an id that a run file cannot hold."""
        for query in self.queries:
            check_id(query, "query id")
        for document in self.documents:
            check_id(document, "item id")

    @property
    def depth(self) -> int:
        """The results of a query that the measures read."""
        most = len(self.documents)
        return max((min(CUTS[name] or most, most) for name in self.measures), default=0)


@dataclasses.dataclass(frozen=True)
class BenchmarkData:
    """What tasks are made of.

    Attributes:
        records: all Items of the data set, in the order of `Catalogue.items`.
        captions: of each Item; none where the data set has none.
        manual_dir: the data set's folder, which may hold official queries.
    """

    records: CatalogueRecords
    captions: Sequence[Sequence[str]]
    manual_dir: Path

    def rows(self, **values: str | Sequence[str]) -> list[int]:
        """The rows whose attributes have one of some values: `rows(partition="test")`."""
        wanted = {
            name: {of} if isinstance(of, str) else set(of) for name, of in values.items()
        }
        columns = [(self.records.column(name), of) for name, of in wanted.items()]
        return [
            row
            for row in range(len(self.records))
            if all(column[row] in of for column, of in columns)
        ]

    def ids(self, rows: Iterable[int]) -> dict[str, str]:
        """{id: id} of some rows: the documents of a task that finds photos."""
        return {self.records.ids[row]: self.records.ids[row] for row in rows}


def same_value(
    queries: Mapping[str, str], documents: Mapping[str, str]
) -> dict[str, dict[str, int]]:
    """{query: {document: 1}} where both have one value, which is not "".

    Args:
        queries: {query id: value}.
        documents: {document id: value}.
    """
    of_value: dict[str, dict[str, int]] = {}
    for document, value in documents.items():
        if value:
            of_value.setdefault(value, {})[document] = 1
    return {query: of_value[value] for query, value in queries.items() if value in of_value}


def sample(keys: Iterable[str], most: int) -> list[str]:
    """Up to so many keys, drawn by a hash: the same on every machine."""
    return sorted(sorted(set(keys), key=hash_fraction)[:most])
