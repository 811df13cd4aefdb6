"""Effects of re-ranking: the queries that gain and lose most, with explanations."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from fitrank_tf.evaluation.metrics import evaluate_queries
from fitrank_tf.evaluation.sheets.rows import SheetItem, SheetRow
from fitrank_tf.evaluation.systems import CLIP_LORA, RERANKED, Ranking, SystemRuns
from fitrank_tf.rerank.explanations import explanations, score_contributions

_MEASURE = "nDCG@10"


@dataclasses.dataclass(frozen=True)
class Gain:
    """nDCG@10 of one query.

    Attributes:
        values: {system: value}.
    """

    values: Mapping[str, float]

    @property
    def of_reranking(self) -> float:
        """nDCG@10 of the re-ranker minus that of its first stage."""
        return self.values[RERANKED] - self.values[CLIP_LORA]


class Judged(Protocol):
    """Judgments of queries."""

    @property
    def qrels(self) -> Mapping[str, Mapping[str, int]]:
        """{query id: {product id: grade}}."""

    @property
    def binary_grade(self) -> int:
        """The least grade that counts as relevant."""


def ndcg_gains(
    judged: Judged, rankings: Mapping[str, Mapping[str, Ranking]]
) -> dict[str, Gain]:
    """{query id: nDCG@10 of each system}, of the queries that have judgments."""
    values = {
        system: evaluate_queries(
            {query: ranking for query, ranking in run.items() if query in judged.qrels},
            judged.qrels,
            judged.binary_grade,
        )
        for system, run in rankings.items()
    }
    return {
        query: Gain({system: of_run[query][_MEASURE] for system, of_run in values.items()})
        for query in judged.qrels
        if all(query in of_run for of_run in values.values())
    }


def most_changed(gains: Mapping[str, Gain], count: int) -> list[str]:
    """Ids of the queries with the largest gains, then of those with the largest losses.

    A query that did not change is none of them; equal gains stay in their order.
    """
    ordered = sorted(gains, key=lambda query: -gains[query].of_reranking)
    helped = [query for query in ordered if gains[query].of_reranking > 0]
    hurt = [query for query in reversed(ordered) if gains[query].of_reranking < 0]
    return helped[: count - count // 2] + hurt[: count // 2]


def with_notes(
    row: SheetRow, query_id: str, runs: SystemRuns, gain: Gain, facets: Sequence[str]
) -> SheetRow:
    """The row with its nDCG and, for the re-ranker, each product's move and explanation."""
    note = f"{_MEASURE} {gain.values[row.system]:.3f}"
    if row.system != RERANKED:
        return dataclasses.replace(row, note=note)
    before = [item for item, _ in runs.rankings[CLIP_LORA][query_id]]
    contributions = runs.contributions[query_id]
    items = tuple(
        _explained(item, rank, before, contributions[item.id], facets)
        for rank, item in enumerate(row.items, start=1)
    )
    return dataclasses.replace(
        row, items=items, note=f"{note} ({gain.of_reranking:+.3f} by re-ranking)"
    )


def _explained(
    item: SheetItem,
    rank: int,
    before: Sequence[str],
    contributions: np.ndarray,
    facets: Sequence[str],
) -> SheetItem:
    rose = before.index(item.id) + 1 - rank
    moved = f"up {rose}" if rose > 0 else f"down {-rose}" if rose < 0 else "stays"
    why = explanations(contributions, score_contributions(facets)).numpy().decode()
    return dataclasses.replace(item, note=f"{moved}: {why}")
