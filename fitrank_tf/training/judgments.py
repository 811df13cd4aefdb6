"""Judgments to train on, from TREC files or from a table; what is odd is counted."""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Iterator

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import CatalogueSource, open_source
from fitrank_tf.datasets.public import TEXT_ONLY
from fitrank_tf.datasets.tables.read import read_table
from fitrank_tf.datasets.tables.table import Table
from fitrank_tf.datasets.text_only import TextOnlySource
from fitrank_tf.evaluation.trec import PathLike, qrels_lines, read_requests
from fitrank_tf.queries.judged import JudgedQuery, Judgment, merged

logger = logging.getLogger(__name__)

_COLUMNS = ("query", "product", "grade")
_WEIGHT = "weight"


def read_trec_judgments(queries: PathLike, qrels: PathLike) -> list[JudgedQuery]:
    """Reads queries and their qrels.

    Args:
        queries: lines `query_id<TAB>text`, also with a third column, `want`.
        qrels: lines `query_id 0 product_id grade`.

    Raises:
        FitRankError: with file and line, for a line of another form.
    """
    texts = {key: request.text for key, request in read_requests(queries).items()}
    odd: Counter[str] = Counter()

    def judgments() -> Iterator[Judgment]:
        for _, query_id, item_id, grade in qrels_lines(qrels):
            if query_id in texts:
                yield Judgment(texts[query_id], item_id, grade)
            else:
                odd[f"of queries that are not in {queries}: left out"] += 1

    return _counted(judgments(), odd, qrels)


def read_judgment_table(path: str) -> list[JudgedQuery]:
    """Reads a table of columns `query`, `product`, `grade` and, if need be, `weight`.

    Args:
        path: of a CSV, JSON Lines, Parquet, Arrow or Excel file.

    Raises:
        FitRankError: if it cannot be read or lacks a column.
    """
    table = read_table(path)
    cells = [table.texts(_column(table, name)) for name in _COLUMNS]
    weight = table.find(_WEIGHT)
    weights = table.texts(weight) if weight else ["1"] * len(table.rows)
    odd: Counter[str] = Counter()

    def judgments() -> Iterator[Judgment]:
        for row, text, item, *numbers in zip(table.rows, *cells, weights, strict=True):
            grade, of_grade = map(_number, numbers)
            if row.problem:
                odd[f"with {row.problem}: left out"] += 1
            elif not text.strip() or not item.strip():
                odd["without a query or a product: left out"] += 1
            elif not (grade >= 0 and of_grade > 0):
                odd["whose grade or weight is no number, or below 0: left out"] += 1
            else:
                yield Judgment(text, item.strip(), grade, of_grade)

    return _counted(judgments(), odd, path)


def read_own_judgments(source: CatalogueSource) -> list[JudgedQuery]:
    """Reads the judgments that a data set has of its products.

    Args:
        source: of the data set.

    Raises:
        FitRankError: if it cannot be read or has none.
    """
    opened = open_source(source)
    if not isinstance(opened, TextOnlySource):
        raise FitRankError(
            f"--own_judgments: {source.dataset} has none; choose one of "
            f"{', '.join(TEXT_ONLY)}, or name a table with --train_judgments"
        )
    judgments = (Judgment(*label) for label in opened.labels())
    return _counted(judgments, Counter(), opened.where)


def _counted(
    judgments: Iterable[Judgment], odd: Counter[str], path: PathLike
) -> list[JudgedQuery]:
    """The queries of judgments; logs how many there are, and a line each for odd ones."""
    found = merged(judgments)
    odd["that say a grade again: counted once"] += found.repeated
    odd["of another grade for the same product: their mean counts"] += found.contradicting
    for what, count in odd.items():
        if count:
            logger.warning("%s: %d judgments %s", path, count, what)
    total = sum(len(query.products) for query in found.queries)
    if not total:
        raise FitRankError(f"{path} has no judgment that can be used; see the lines above")
    logger.info("%s: %d judgments of %d queries", path, total, len(found.queries))
    return found.queries


def _column(table: Table, name: str) -> str:
    column = table.find(name)
    if column is None:
        raise FitRankError(
            f"{table.path} has no column {name!r}, but {', '.join(table.header)}; "
            f"its first line must name the columns {', '.join(_COLUMNS)}"
        )
    return column


def _number(text: str) -> float:
    """The number that a text is; NaN if it is none or not finite."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
