"""Two systems on the same judgments: differences, their intervals and tests."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.evaluation.markdown_table import markdown_table
from fitrank_tf.evaluation.metrics import MEASURES
from fitrank_tf.evaluation.significance import bootstrap_interval, paired_randomisation


@dataclasses.dataclass(frozen=True)
class Difference:
    """One measure of two systems.

    Attributes:
        measure: one of `MEASURES`.
        first: mean over the queries, of the first system.
        second: of the second.
        interval: 95 % interval of second less first, by bootstrap over the queries.
        p: of the paired randomisation test.
        better: queries in which the second has the higher value.
        worse: queries in which it has the lower one.
    """

    measure: str
    first: float
    second: float
    interval: tuple[float, float]
    p: float
    better: int
    worse: int


def compare(
    first: Mapping[str, Mapping[str, float]], second: Mapping[str, Mapping[str, float]]
) -> list[Difference]:
    """Compares two systems by each measure.

    Args:
        first: {query id: {measure: value}}, as of `metrics.evaluate_queries`.
        second: the other system's, of the same queries.
    """
    found = []
    for measure in MEASURES:
        before, after = (
            np.array([system[key][measure] for key in first]) for system in (first, second)
        )
        found.append(
            Difference(
                measure,
                float(before.mean()),
                float(after.mean()),
                bootstrap_interval(after, before),
                paired_randomisation(after, before),
                int((after > before).sum()),
                int((after < before).sum()),
            )
        )
    return found


def comparison_table(differences: Sequence[Difference], names: Sequence[str]) -> str:
    """A Markdown table of a line for each measure.

    Args:
        differences: of the measures.
        names: of the first and the second system.
    """
    titles = ["measure", *names, "difference", "95 % interval", "p", "better", "worse"]
    rows = [
        [
            each.measure,
            f"{each.first:.4f}",
            f"{each.second:.4f}",
            f"{each.second - each.first:+.4f}",
            f"{each.interval[0]:+.4f} to {each.interval[1]:+.4f}",
            f"{each.p:.4f}",
            str(each.better),
            str(each.worse),
        ]
        for each in differences
    ]
    return markdown_table(titles, rows, num_texts=1)
