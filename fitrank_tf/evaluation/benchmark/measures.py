"""The measures of the field's protocols, on runs of TREC's form.

| name     | meaning                                                                     |
|----------|-----------------------------------------------------------------------------|
| R@k      | share of the relevant documents among the first k (true recall)             |
| hit@k    | share of the queries with a relevant document among the first k             |
| P@k      | share of the first k that is relevant                                       |
| MRR@10   | 1 / rank of the first relevant document, 0 beyond rank 10                   |
| MAP@10   | sum of P@k at the relevant ranks k up to 10, divided by all relevant         |
| AvgR     | mean of R@1 and R@10                                                        |
| AvgP     | mean of P@1 and P@10                                                        |
| mAP      | INRIA Holidays' mean average precision, by trapezes                         |

"Recall" means R@k to some and hit@k to others: of an item with many photos, R@1 has a
ceiling far below 1. All but mAP are computed by pytrec_eval.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.evaluation.metrics import query_values
from fitrank_tf.evaluation.trec import Qrels, Run, strict_run

_CUT_AT = 10
# {measure: results of a query that it reads; 0 for all}.
CUTS: Mapping[str, int] = {
    **{f"{name}@{k}": k for name in ("R", "hit", "P") for k in (1, 3, 5, 10, 20, 30, 50)},
    **dict.fromkeys(("MRR@10", "MAP@10", "AvgR", "AvgP"), _CUT_AT),
    "mAP": 0,
}
_MEANS = {"AvgR": ("R@1", "R@10"), "AvgP": ("P@1", "P@10")}
_TRAPEZES = "mAP"


def measure_queries(
    run: Run, qrels: Qrels, names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Each measure of every query of the qrels; 0 for a query without results.

    Args:
        run: {query id: [(document id, score), ...]}, the best first.
        qrels: {query id: {document id: 1}}.
        names: of `CUTS`.

    Returns:
        {measure: {query id: value}}.
    """
    basic = dict.fromkeys(of for name in names for of in _MEANS.get(name, (name,)))
    values = {_TRAPEZES: _by_trapezes(run, qrels)} if _TRAPEZES in basic else {}
    if by_trec := [name for name in basic if name != _TRAPEZES]:
        values |= _by_trec(run, qrels, by_trec)
    for name in names:
        if name in _MEANS:
            parts = [values[part] for part in _MEANS[name]]
            values[name] = {
                query: sum(part[query] for part in parts) / len(parts) for query in qrels
            }
    return {name: values[name] for name in names}


def _by_trec(run: Run, qrels: Qrels, names: Sequence[str]) -> dict[str, dict[str, float]]:
    results = strict_run({query: of for query, of in run.items() if query in qrels})
    found = query_values(results, qrels, {name: _text_of(name) for name in names})
    values = {name: {query: of[name] for query, of in found.items()} for name in names}
    for name in names:
        if name.startswith("MRR"):
            # pytrec_eval has no reciprocal rank with a cut.
            least = 1.0 / CUTS[name]
            values[name] = {
                query: value if value >= least else 0.0
                for query, value in values[name].items()
            }
    return values


def _text_of(name: str) -> str:
    """A measure in the syntax of `ir_measures`."""
    kind, _, cut = name.partition("@")
    return {"hit": f"Success@{cut}", "MRR": "RR", "MAP": f"AP@{cut}"}.get(kind, name)


def _by_trapezes(run: Run, qrels: Qrels) -> dict[str, float]:
    values = {}
    for query, relevant in qrels.items():
        ranks = [
            rank
            for rank, (document, _) in enumerate(run.get(query, ()))
            if document in relevant
        ]
        values[query] = trapezoidal_ap(ranks, len(relevant))
    return values


def trapezoidal_ap(ranks: Sequence[int], num_relevant: int) -> float:
    """Average precision as INRIA Holidays' own program computes it.

    Precision between two relevant documents is taken for a straight line, so that each
    adds the mean of the precision before it and with it (Jegou, Douze and Schmid, ECCV
    2008).

    Args:
        ranks: of the relevant documents that were found, from 0, rising, without the query.
        num_relevant: how many there are.
    """
    places = np.asarray(ranks, np.float64)
    found = np.arange(len(places))
    before = np.where(places == 0, 1.0, found / np.maximum(places, 1.0))
    after = (found + 1) / (places + 1)
    return float(((before + after) / 2).sum() / num_relevant)
