"""Variants of a system, each trained from several seeds: means, intervals, tests."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from fitrank_tf.evaluation.significance import mean_and_interval, paired_randomisation


@dataclasses.dataclass(frozen=True)
class Variant:
    """One line of a study.

    Attributes:
        name: what the table calls it.
        assignments: of `config.override`, what is different in it; None for the towers
            before any fine-tuning, which no seed changes.
    """

    name: str
    assignments: tuple[str, ...] | None


# {query id: {measure: value}}, as `metrics.evaluate_queries` gives them.
QueryValues = Mapping[str, Mapping[str, float]]


@dataclasses.dataclass(frozen=True)
class Measured:
    """A variant's values.

    Attributes:
        name: the variant's.
        runs: one for each seed.
    """

    name: str
    runs: Sequence[QueryValues]

    def of_queries(self, ids: Sequence[str], measure: str) -> np.ndarray:
        """float64 [queries], the mean over the seeds."""
        return np.mean([[run[key][measure] for key in ids] for run in self.runs], axis=0)

    def of_seeds(self, ids: Sequence[str], measure: str) -> list[float]:
        """The mean over the queries, for each seed."""
        return [float(np.mean([run[key][measure] for key in ids])) for run in self.runs]


def ablation_table(
    measured: Sequence[Measured],
    kinds: Mapping[str, Sequence[str]],
    measures: Sequence[str],
    asked: str = "queries",
) -> str:
    """A Markdown table: mean and 95 % interval, and p against the last variant.

    Args:
        measured: the variants; the last one is what the others are compared with.
        kinds: {kind of query: query ids}.
        measures: columns.
        asked: heads the kinds of query.

    Returns:
        A line a kind and variant. p is the paired randomisation test's over queries, of
        the first measure.
    """
    head = [asked, "variant", *measures, f"p ({measures[0]})"]
    lines = [head, ["---", "---"] + ["---:"] * (len(measures) + 1)]
    full = measured[-1]
    for kind, ids in kinds.items():
        for variant in measured:
            cells = [_cell(variant.of_seeds(ids, measure)) for measure in measures]
            p = "" if variant is full else _p(variant, full, ids, measures[0])
            lines.append([f"{kind} ({len(ids)})", variant.name, *cells, p])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(values: Sequence[float]) -> str:
    mean, half = mean_and_interval(values)
    return f"{mean:.4f}" if np.isnan(half) else f"{mean:.4f} ± {half:.4f}"


def _p(variant: Measured, full: Measured, ids: Sequence[str], measure: str) -> str:
    p = paired_randomisation(
        variant.of_queries(ids, measure), full.of_queries(ids, measure)
    )
    return f"{p:.4f}"
