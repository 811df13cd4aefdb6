"""WANDS as a `TextOnlySource`: three tab-separated files of queries, products, labels."""

from collections.abc import Iterator
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.attributes import CATEGORY, Attribute, Declaration
from fitrank_tf.datasets.manual_dir import ManualDir
from fitrank_tf.datasets.product_source import ProductRow, content_fingerprint
from fitrank_tf.datasets.tables import Table, TableOptions, read_table
from fitrank_tf.datasets.text_only import NO_PHOTO, Label, TextOnlySource

UNPACK = (
    "fetch the folder `dataset` of github.com/wayfair/WANDS with query.csv, product.csv "
    "and label.csv, and name it with --manual_dir"
)
GRADES = {"Irrelevant": 0, "Partial": 1, "Exact": 2}
_QUERIES, _PRODUCTS, _LABELS = "query.csv", "product.csv", "label.csv"
_CLASS, _CATEGORY = "product_class", "category"
# Between the levels of `category hierarchy`, and between several classes.
_LEVEL, _OR = "/", "|"


class WandsSource(TextOnlySource):
    """The products of WANDS and what people said of them.

    Raises:
        FitRankError: if a file is missing.
    """

    def __init__(self, manual_dir: str, config: str = ""):
        super().__init__(manual_dir, config)
        self._folder = ManualDir(manual_dir, _PRODUCTS, UNPACK).root

    @classmethod
    def declaration_of(cls, config: str) -> Declaration:
        names = (_CLASS, _CATEGORY)
        return Declaration(tuple(Attribute(one, CATEGORY) for one in names), names, _CLASS)

    @property
    def where(self) -> str:
        return str(self._folder)

    def rows(self) -> Iterator[ProductRow]:
        table = self._table(_PRODUCTS)
        cells = [
            table.texts(_column(table, name))
            for name in ("product_id", "product_name", _CLASS, "category hierarchy")
        ]
        for row, item, name, kinds, levels in zip(table.rows, *cells, strict=True):
            yield ProductRow(
                id=item,
                text=name,
                attributes={
                    _CLASS: kinds.partition(_OR)[0].strip(),
                    _CATEGORY: levels.partition(_LEVEL)[0].strip(),
                },
                photos=(NO_PHOTO,),
                problem=row.problem,
                line=row.line,
            )

    def labels(self) -> Iterator[Label]:
        queries, labels = self._table(_QUERIES), self._table(_LABELS)
        ids, texts = (queries.texts(_column(queries, n)) for n in ("query_id", "query"))
        text_of = dict(zip(ids, texts))
        names = ("query_id", "product_id", "label")
        cells = [labels.texts(_column(labels, name)) for name in names]
        for row, query, item, label in zip(labels.rows, *cells, strict=True):
            if row.problem:
                continue
            if query not in text_of or label not in GRADES:
                raise FitRankError(
                    f"{labels.path}, line {row.line}: query {query!r}, label {label!r}; "
                    f"write a query of {_QUERIES} and one of {', '.join(GRADES)}"
                )
            yield Label(text_of[query], item, GRADES[label])

    def fingerprint(self) -> str:
        table = self._table(_PRODUCTS)
        return content_fingerprint([table.digest.encode()], files=())

    def _table(self, name: str) -> Table:
        # Names of products hold commas, and marks of inches that are no quotes.
        return read_table(str(self._folder / name), TableOptions(delimiter="\t"))


def _column(table: Table, name: str) -> str:
    column = table.find(name)
    if column is None:
        raise FitRankError(f"{Path(table.path)}: no column {name!r}: {UNPACK}")
    return column
