"""The table of results: systems against measures, for each kind of query."""

import dataclasses
from collections.abc import Mapping, Sequence

from fitrank_tf.evaluation.markdown_table import markdown_table
from fitrank_tf.evaluation.metrics import MEASURES
from fitrank_tf.evaluation.systems import ALL_SYSTEMS


@dataclasses.dataclass(frozen=True)
class ResultRow:
    """Measures of one system on one kind of query.

    Attributes:
        system: one of `ALL_SYSTEMS`, or another name, which then comes after them.
        query_kind: "title" for example.
        num_queries: queries that the values are a mean of.
        values: every one of `MEASURES`, as `metrics.evaluate_run` returns them.
    """

    system: str
    query_kind: str
    num_queries: int
    values: Mapping[str, float]

    def __post_init__(self) -> None:
        missing = [name for name in MEASURES if name not in self.values]
        if missing:
            raise ValueError(f"values of {self.system!r} lack {missing}")


def results_table(rows: Sequence[ResultRow]) -> str:
    """An aligned Markdown table, readable as plain text.

    Kinds of query keep the order in which they first come; within one kind the
    systems stand below each other in the order of `ALL_SYSTEMS`.
    """
    kinds = list(dict.fromkeys(row.query_kind for row in rows))
    ordered = sorted(
        rows, key=lambda row: (kinds.index(row.query_kind), _system_order(row.system))
    )
    header = ["queries", "system", *MEASURES, "n"]
    return markdown_table(header, [_cells(row) for row in ordered], num_texts=2) + "\n"


def _system_order(system: str) -> int:
    """The place of a system; those not in `ALL_SYSTEMS` keep their order after them."""
    return ALL_SYSTEMS.index(system) if system in ALL_SYSTEMS else len(ALL_SYSTEMS)


def _cells(row: ResultRow) -> list[str]:
    """The row as text, four places to a value as `ir_measures` prints."""
    values = [f"{row.values[name]:.4f}" for name in MEASURES]
    return [_escaped(row.query_kind), _escaped(row.system), *values, str(row.num_queries)]


def _escaped(text: str) -> str:
    """A bar would start a new column."""
    return text.replace("|", "\\|")
