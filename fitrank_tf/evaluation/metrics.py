"""Retrieval measures of a run, computed by pytrec_eval through `ir_measures`.

No measure is computed by hand; only their names and the grade that counts are set here.

| name    | meaning                                                             |
|---------|---------------------------------------------------------------------|
| R@1     | share of the relevant items that stands at rank 1                   |
| R@10    | share of the relevant items among the first 10                      |
| P@10    | share of the first 10 that is relevant (10 even if fewer came back) |
| mAP     | mean of the precision at each relevant item                         |
| nDCG@10 | gain = grade, discount = log2(rank + 1), divided by the best order  |
| RR      | 1 / rank of the first relevant item                                 |

All but nDCG are binary: an item is relevant if its grade is at least
`binary_grade`. A value of a run is the mean over the queries of the qrels. Two
kinds of query count as 0, as in `ir_measures`: those without any result, and,
in a binary measure, those without an item of that grade (in nDCG without any
grade above 0).
"""

import logging
import os
import shlex
from collections.abc import Mapping

import ir_measures

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.evaluation.trec import Qrels, Run, strict_run

_TEMPLATES: Mapping[str, str] = {
    "R@1": "R(rel={grade})@1",
    "R@10": "R(rel={grade})@10",
    "P@10": "P(rel={grade})@10",
    "mAP": "AP(rel={grade})",
    "nDCG@10": "nDCG@10",
    "RR": "RR(rel={grade})",
}

MEASURES: tuple[str, ...] = tuple(_TEMPLATES)

_PROVIDER = "pytrec_eval"

_logger = logging.getLogger(__name__)


def evaluate_run(run: Run, qrels: Qrels, binary_grade: int) -> dict[str, float]:
    """The mean of each of `MEASURES` over the queries of the qrels.

    Args:
        run: the ranking of each query, the best first. Its order counts; equal
            scores are no ties (see `trec.strict_run`).
        qrels: query id -> item id -> grade.
        binary_grade: the lowest grade that is relevant to the binary measures.

    Raises:
        FitRankError: if there is no judgment, or no query of the run is judged,
            or the run does not fit a TREC file.
        ValueError: if `binary_grade` is below 1 or a score is not finite.
    """
    values = evaluate_queries(run, qrels, binary_grade)
    return {
        name: sum(query[name] for query in values.values()) / len(values)
        for name in MEASURES
    }


def evaluate_queries(
    run: Run, qrels: Qrels, binary_grade: int
) -> dict[str, dict[str, float]]:
    """Each of `MEASURES` for every query of the qrels, in their order.

    Arguments and errors are those of `evaluate_run`.

    Returns:
        query id -> measure -> value.
    """
    results = strict_run(run)
    _check_overlap(results, qrels)
    names = dict(zip(MEASURES, ir_measures_names(binary_grade)))
    return query_values(results, qrels, names)


def query_values(
    results: Mapping[str, Mapping[str, float]], qrels: Qrels, names: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """Measures of every query of the qrels, in their order, by pytrec_eval.

    Args:
        results: query id -> item id -> score, of `trec.strict_run`.
        qrels: query id -> item id -> grade.
        names: measure -> the same in the syntax of `ir_measures`.

    Returns:
        query id -> measure -> value; 0 for a query without results.
    """
    of_text = {ir_measures.parse_measure(text): name for name, text in names.items()}
    found: dict[str, dict[str, float]] = {query_id: {} for query_id in qrels}
    provider = ir_measures.providers.registry[_PROVIDER]
    for metric in provider.iter_calc(list(of_text), qrels, results):
        found[metric.query_id][of_text[metric.measure]] = metric.value
    return {
        query_id: {name: values[name] for name in names}
        for query_id, values in found.items()
    }


def ir_measures_names(binary_grade: int) -> tuple[str, ...]:
    """`MEASURES` in the syntax of `ir_measures`, `R(rel=4)@10` for example.

    Raises:
        ValueError: if `binary_grade` is below 1: grade 0 is what is not relevant.
    """
    if binary_grade < 1:
        raise ValueError(f"binary_grade must be at least 1, got {binary_grade}")
    return tuple(text.format(grade=binary_grade) for text in _TEMPLATES.values())


def ir_measures_command(
    qrels_path: str | os.PathLike[str],
    run_path: str | os.PathLike[str],
    binary_grade: int,
) -> str:
    """The shell command that prints `evaluate_run`'s numbers from the files."""
    return shlex.join(
        ["ir_measures", "--provider", _PROVIDER, os.fspath(qrels_path)]
        + [os.fspath(run_path), *ir_measures_names(binary_grade)]
    )


def _check_overlap(results: Mapping[str, Mapping[str, float]], qrels: Qrels) -> None:
    """Refuses qrels that judge nothing of the run; reports what they leave out."""
    if not any(qrels.values()):
        raise FitRankError("there are no judgments; give qrels with at least one line")
    unjudged = [query_id for query_id in results if query_id not in qrels]
    if unjudged and len(unjudged) == len(results):
        raise FitRankError(
            f"none of the {len(results)} queries of the run is in the qrels "
            f"(the first is {unjudged[0]!r}); use the same query ids in both"
        )
    if unjudged:
        _logger.warning(
            "%d of %d queries of the run are not in the qrels and do not count (%s ...)",
            len(unjudged),
            len(results),
            unjudged[0],
        )
