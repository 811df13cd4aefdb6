"""The table and the curve of the study: `python -m benchmarks.clicks.report RESULTS.jsonl`.

The table has nDCG@10 by the labels that re-rankers learned from, means over the seeds; the
larger p of ipw and bayes against a baseline, by the paired randomisation test over the
measured lists, each the mean of the seeds; and the error of the estimated propensities over
the ten positions.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.clicks.study import BIAS, CASES, TRUE
from fitrank_tf.clicks.relevance import BAYES, CLICKS, CTR, ESTIMATES, IPW
from fitrank_tf.core.packages import imports_of
from fitrank_tf.evaluation.markdown_table import markdown_table
from fitrank_tf.evaluation.significance import paired_randomisation

Values = Mapping[tuple[str, str], np.ndarray]
_CURVE = ("eta 1, 20,000", "eta 1", "eta 1, 2,000,000")


def read_results(path: Path) -> dict[tuple[str, str], np.ndarray]:
    """{(case, estimate): float [seeds, values]} of a study's lines."""
    found: dict[tuple[str, str], list[list[float]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found.setdefault((row["case"], row["estimate"]), []).append(row["values"])
    return {key: np.array(values) for key, values in found.items()}


def study_table(results: Values) -> str:
    """The Markdown table of the cases that are there."""
    titles = ["log", *ESTIMATES, "ipw / true", "bayes / true"]
    titles += [f"p ({CTR})", f"p ({CLICKS})", "error of the bias"]
    true = results[TRUE, TRUE]
    rows = [[TRUE, *[f"{true.mean():.4f}"] * 2, *[""] * 7]]
    for case in CASES:
        ipw = results.get((case.name, IPW))
        if ipw is None:
            continue
        known = [results.get((case.name, estimate)) for estimate in ESTIMATES]
        means = ["" if values is None else f"{values.mean():.4f}" for values in known]
        shares = [
            "" if values is None else f"{values.mean() / true.mean():.3f}"
            for values in known[:2]
        ]
        tests = ["" if values is None else _p(known[:2], values) for values in known[2:]]
        error = results[case.name, BIAS]
        rows.append(
            [
                case.name,
                *means,
                *shares,
                *tests,
                f"{error.mean():.0%}, at most {error.mean(axis=0).max():.0%}",
            ]
        )
    return markdown_table(titles, rows, num_texts=1)


def _p(corrected: Sequence[np.ndarray | None], other: np.ndarray) -> str:
    """The larger p of ipw and bayes against a baseline."""
    p = max(
        paired_randomisation(values.mean(axis=0), other.mean(axis=0))
        for values in corrected
        if values is not None
    )
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def draw_curve(results: Values, path: Path) -> None:
    """Draws nDCG@10 over the size of the log, for eta 1.

    Args:
        results: of the study.
        path: picture to write.
    """
    with imports_of("reports"):
        from matplotlib.figure import Figure

    sizes = {case.name: case.impressions for case in CASES}
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.subplots()
    labels = {IPW: "inverse propensity", BAYES: "Bayes", CTR: "CTR", CLICKS: "clicks"}
    for estimate, label in labels.items():
        known = [name for name in _CURVE if (name, estimate) in results]
        means = [results[name, estimate].mean() for name in known]
        axes.plot([sizes[name] for name in known], means, marker="o", label=label)
    axes.axhline(results[TRUE, TRUE].mean(), color="grey", linestyle=":", label="true")
    axes.set(xscale="log", xlabel="impressions", ylabel="nDCG@10")
    axes.legend()
    figure.savefig(path)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    results = read_results(options.results)
    print(study_table(results))
    if options.plot:
        draw_curve(results, options.plot)


if __name__ == "__main__":
    main()
