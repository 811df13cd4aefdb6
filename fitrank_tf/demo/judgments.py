"""Thumbs as judgments: `queries.tsv` and `judgments.qrels`, as `fitrank evaluate` reads."""

import threading
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.trec import (
    check_id,
    read_qrels,
    read_queries,
    write_qrels,
    write_queries,
)

QUERIES_FILE, QRELS_FILE = "queries.tsv", "judgments.qrels"
# Thumbs down and up: `--binary_grade` of `evaluate` takes 1 for relevant by default.
GRADES = (0, 1)


class JudgmentFiles:
    """Judgments of one person at a time, in a folder.

    Each change writes both files anew, aside and renamed: a reader finds whole files, with
    one judgment for a product of a query. Grades of other tools in them are kept.

    Args:
        folder: made at the first judgment.
    """

    def __init__(self, folder: Path):
        self._queries, self._qrels = folder / QUERIES_FILE, folder / QRELS_FILE
        self._changing = threading.Lock()

    def grades(self, text: str) -> dict[str, int]:
        """{product id: grade} of a query.

        Raises:
            FitRankError: if a file is there that cannot be read.
        """
        queries, qrels = self._read()
        return dict(qrels.get(_id_of(queries, _plain(text)), {}))

    def judge(self, text: str, product: str, grade: int | None) -> dict[str, int]:
        """Writes a judgment, or replaces an earlier one.

        Args:
            text: the query.
            product: its id.
            grade: one of `GRADES`; None takes the judgment back.

        Returns:
            The query's grades after that.

        Raises:
            FitRankError: for an empty query, an id that TREC files cannot hold, another
                grade, or files that cannot be read or written.
        """
        text = _plain(text)
        if not text:
            raise FitRankError("a judgment is of a query: type one first")
        if grade is not None and grade not in GRADES:
            raise FitRankError(f"grade {grade}: give 1 for good, 0 for bad or none")
        check_id(product, "product id")
        with self._changing:
            queries, qrels = self._read()
            query = _id_of(queries, text) or _new_id(queries)
            grades = qrels.setdefault(query, {})
            grades.pop(product, None)
            if grade is not None:
                grades[product] = grade
            queries[query] = text
            if not grades:
                del queries[query], qrels[query]
            # Queries first: a reader in between finds no judgment of an unknown query.
            write_queries(self._queries, queries)
            write_qrels(self._qrels, qrels)
        return dict(grades)

    def _read(self) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
        queries = read_queries(self._queries) if _has_lines(self._queries) else {}
        return queries, read_qrels(self._qrels) if _has_lines(self._qrels) else {}


def _has_lines(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _plain(text: str) -> str:
    """A query in one line without tabs, which part the columns of a file."""
    return " ".join(text.split())


def _id_of(queries: dict[str, str], text: str) -> str:
    return next((key for key, known in queries.items() if known == text), "")


def _new_id(queries: dict[str, str]) -> str:
    number = len(queries) + 1
    while f"q{number:04d}" in queries:
        number += 1
    return f"q{number:04d}"
