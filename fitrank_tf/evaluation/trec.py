"""TREC run and qrels files, and query lists, so that any tool can check the numbers.

| file    | one line                                            |
|---------|-----------------------------------------------------|
| run     | `query_id Q0 item_id rank score system`             |
| qrels   | `query_id 0 item_id grade`                          |
| queries | `query_id<TAB>text`, and `<TAB>want` for graders    |

Run and qrels columns are split at white space, so an id that holds some is
refused. The rank column is decoration: trec_eval, and with it pytrec_eval, sorts
by score as float32 and puts equal scores in falling order of the id. Therefore
scores are written strictly falling at float32 (`strict_run`).
"""

import dataclasses
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.core.lines import line_error, numbered_lines

# query id -> (item id, score), the best first.
Run = Mapping[str, Sequence[tuple[str, float]]]
# query id -> item id -> grade.
Qrels = Mapping[str, Mapping[str, int]]

PathLike = str | os.PathLike[str]

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Request:
    """A query as people who grade its results read it.

    Attributes:
        text: the query, as it was typed.
        want: what is meant by it, in a sentence or two; "" if the text says it all.
    """

    text: str
    want: str = ""


def strict_run(run: Run) -> dict[str, dict[str, float]]:
    """Returns the run with scores whose sorting reproduces its order.

    A score that is not below the one before it is lowered to the next float32
    below that one; all others keep their float32 value. The order of the run is
    the truth, the scores only carry it. Queries without results are left out,
    for a TREC file cannot hold them.

    Args:
        run: the ranking of each query, the best first.

    Returns:
        query id -> item id -> score.

    Raises:
        FitRankError: if an id is empty or holds white space, or an item stands
            twice in one ranking.
        ValueError: if a score is not finite at float32.
    """
    strict = {}
    for query_id, ranking in run.items():
        check_id(query_id, "query id")
        scores = _strictly_falling([score for _, score in ranking])
        items: dict[str, float] = {}
        for (item_id, _), score in zip(ranking, scores):
            check_id(item_id, "item id")
            if item_id in items:
                raise FitRankError(
                    f"item {item_id!r} stands twice in the results of query {query_id!r}; "
                    "give every item of the catalogue its own id"
                )
            items[item_id] = score
        if items:
            strict[query_id] = items
    return strict


def write_run(path: PathLike, run: Run, system: str) -> None:
    """Writes a TREC run file; see `strict_run` for its scores.

    Args:
        path: replaced only once the file is whole.
        run: the ranking of each query, the best first.
        system: the run's name, the last column.

    Raises:
        FitRankError: if an id or the system's name does not fit a TREC file, an
            item stands twice in one ranking, or the path cannot be written.
        ValueError: if a score is not finite at float32.
    """
    check_id(system, "system name")
    lines = [
        # 9 digits are enough to tell any two float32 apart.
        f"{query_id} Q0 {item_id} {rank} {score:.9g} {system}\n"
        for query_id, items in strict_run(run).items()
        for rank, (item_id, score) in enumerate(items.items(), start=1)
    ]
    write_atomically(path, "".join(lines).encode("utf-8"))
    _logger.info("wrote %d results of %s to %s", len(lines), system, path)


def write_qrels(path: PathLike, qrels: Qrels) -> None:
    """Writes a TREC qrels file.

    Raises:
        FitRankError: if an id does not fit a TREC file or the path cannot be
            written.
    """
    lines = []
    for query_id, grades in qrels.items():
        check_id(query_id, "query id")
        for item_id, grade in grades.items():
            check_id(item_id, "item id")
            lines.append(f"{query_id} 0 {item_id} {grade}\n")
    write_atomically(path, "".join(lines).encode("utf-8"))
    _logger.info("wrote %d judgments to %s", len(lines), path)


def read_run(path: PathLike) -> dict[str, list[tuple[str, float]]]:
    """Reads a TREC run file, each query's items in the order trec_eval ranks them.

    Raises:
        FitRankError: with file and line, if the file is missing, empty, not
            UTF-8, or a line is not a run line.
    """
    run: dict[str, dict[str, float]] = {}
    for number, line in numbered_lines(path):
        query_id, _, item_id, _, score, _ = _columns(
            path, number, line, "query_id Q0 item_id rank score system"
        )
        items = run.setdefault(query_id, {})
        if item_id in items:
            raise line_error(path, number, f"item {item_id!r} of query {query_id!r} again")
        items[item_id] = _score(path, number, score)
    return {query_id: _as_trec_eval_sorts(items) for query_id, items in run.items()}


def read_qrels(path: PathLike) -> dict[str, dict[str, int]]:
    """Reads a TREC qrels file.

    Raises:
        FitRankError: with file and line, if the file is missing, empty, not
            UTF-8, or a line is not a judgment with a whole grade of 0 or more.
    """
    qrels: dict[str, dict[str, int]] = {}
    for number, query_id, item_id, grade in qrels_lines(path):
        grades = qrels.setdefault(query_id, {})
        if item_id in grades:
            raise line_error(
                path, number, f"item {item_id!r} of query {query_id!r} is judged again"
            )
        grades[item_id] = grade
    return qrels


def qrels_lines(path: PathLike) -> Iterator[tuple[int, str, str, int]]:
    """Yields number, query id, item id and grade of each line of a TREC qrels file.

    Raises:
        FitRankError: as `read_qrels`, but an item may be judged again.
    """
    for number, line in numbered_lines(path):
        query_id, _, item_id, grade = _columns(
            path, number, line, "query_id 0 item_id grade"
        )
        if not grade.isdecimal():
            raise line_error(
                path, number, f"grade {grade!r} is not a whole number of 0 or more"
            )
        yield number, query_id, item_id, int(grade)


def write_queries(path: PathLike, queries: Mapping[str, str]) -> None:
    """Writes a query list: query id -> text, which holds no tab and no line break.

    Raises:
        FitRankError: if an id does not fit a TREC file or the path cannot be
            written.
    """
    for query_id in queries:
        check_id(query_id, "query id")
    lines = [f"{query_id}\t{text}\n" for query_id, text in queries.items()]
    write_atomically(path, "".join(lines).encode("utf-8"))
    _logger.info("wrote %d queries to %s", len(lines), path)


def read_queries(path: PathLike) -> dict[str, str]:
    """Reads `query_id<TAB>text` lines: query id -> text, in the file's order.

    Raises:
        FitRankError: with file and line, if the file is missing, empty, not
            UTF-8, or a line has not exactly two filled columns, or an id is
            repeated or holds white space.
    """
    columns = _query_columns(path, "query_id<TAB>text has 2", 2)
    return {query_id: text for query_id, (text,) in columns.items()}


def read_requests(path: PathLike) -> dict[str, Request]:
    """Reads lines of a query list that may have `want`, its third column.

    Returns:
        query id -> request, in the file's order.

    Raises:
        FitRankError: as `read_queries`, but for a third column.
    """
    columns = _query_columns(path, "query_id<TAB>text<TAB>want has 2 or 3", 3)
    return {query_id: Request(*others) for query_id, others in columns.items()}


def _query_columns(path: PathLike, form: str, most: int) -> dict[str, list[str]]:
    """query id -> the columns behind it, of a query list with 2 to `most` columns."""
    queries: dict[str, list[str]] = {}
    for number, line in numbered_lines(path):
        columns = [column.strip() for column in line.split("\t")]
        if not 2 <= len(columns) <= most:
            raise line_error(
                path,
                number,
                f"{len(columns)} column(s) where {form}",
                "put exactly one tab between the id and the text",
            )
        query_id, *others = columns
        try:
            check_id(query_id, "query id")
        except FitRankError as error:
            raise FitRankError(f"{path}, line {number}: {error}") from None
        if not others[0]:
            raise line_error(path, number, f"query {query_id!r} has no text", "write one")
        if query_id in queries:
            raise line_error(
                path, number, f"query id {query_id!r} again", "give every query its own id"
            )
        queries[query_id] = others
    return queries


def _strictly_falling(scores: Sequence[float]) -> list[float]:
    """float32 values in strictly falling order, as near to `scores` as that allows."""
    falling: list[float] = []
    for place, score in enumerate(np.asarray(scores, dtype=np.float32).tolist(), start=1):
        if not math.isfinite(score):
            raise ValueError(f"score {place} of a ranking is {score}, not finite")
        if falling and score >= falling[-1]:
            score = float(np.nextafter(np.float32(falling[-1]), np.float32(-np.inf)))
        falling.append(score)
    return falling


def _as_trec_eval_sorts(items: Mapping[str, float]) -> list[tuple[str, float]]:
    """Items by falling float32 score; equal scores by falling id."""
    by_id = sorted(items.items(), reverse=True)
    return sorted(by_id, key=lambda item: float(np.float32(item[1])), reverse=True)


def check_id(name: str, what: str) -> None:
    """Raises FitRankError unless `name` is one column of a TREC file.

    Args:
        name: an id, or a system's name.
        what: it is, such as "query id".
    """
    if not name:
        raise FitRankError(f"an empty {what} cannot be stored in a TREC file; give one")
    if name.split() != [name]:
        raise FitRankError(
            f"{what} {name!r} holds white space, which splits columns in a TREC file; "
            "replace it, by '_' for example"
        )


def _columns(path: PathLike, number: int, line: str, expected: str) -> list[str]:
    """The columns of a run or qrels line, as many as `expected` names."""
    columns = line.split()
    if len(columns) != len(expected.split()):
        raise line_error(
            path,
            number,
            f"{len(columns)} column(s) where '{expected}' has {len(expected.split())}",
        )
    return columns


def _score(path: PathLike, number: int, text: str) -> float:
    """The finite number that `text` is."""
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise line_error(path, number, f"score {text!r} is not a finite number")
    return score
