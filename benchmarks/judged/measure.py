"""What people's grades say of several runs.

    python -m benchmarks.judged.measure --qrels benchmarks/judged/second.qrels \
        --runs out/clip.run,out/reranked.run,out/titled.run

Of each run: the share of the first ten that is useful (grade 2 or 3) and exact (3), their
mean grade, nDCG@10, how many of the ten nobody graded (they count as 0), the share of
requests with an exact product among the first hundred, and p of the paired randomisation
test of useful products between the run and the last one.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.evaluation.metrics import evaluate_queries
from fitrank_tf.evaluation.significance import paired_randomisation
from fitrank_tf.evaluation.trec import Run, read_qrels, read_run

USEFUL, EXACT = 2, 3
TOP, DEEP = 10, 100


def first_grades(run: Run, qrels: Mapping[str, Mapping[str, int]]) -> np.ndarray:
    """Grades of the first ten of each judged query, float64 [queries, 10].

    -1 for a product without a grade, -2 where a run has fewer than ten.
    """
    rows = []
    for query, grades in qrels.items():
        found = [grades.get(item, -1) for item, _ in run.get(query, ())[:TOP]]
        rows.append(found + [-2] * (TOP - len(found)))
    return np.array(rows, np.float64)


def table(runs: Mapping[str, Run], qrels: Mapping[str, Mapping[str, int]]) -> str:
    """Markdown: a row of measures for each run, the last one compared with the others.

    Args:
        runs: {name: run}.
        qrels: {query: {product: grade 0 to 3}}.
    """
    lines = [
        f"| run | P@{TOP} useful | exact | mean grade | nDCG@{TOP} | no grade | "
        f"exact in {DEEP} | p |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    useful = {
        name: (first_grades(run, qrels) >= USEFUL).mean(axis=1)
        for name, run in runs.items()
    }
    *_, last = runs
    for name, run in runs.items():
        grades = first_grades(run, qrels)
        ndcg = np.mean(
            [m["nDCG@10"] for m in evaluate_queries(run, qrels, USEFUL).values()]
        )
        deep = [
            any(grades_of.get(item, 0) >= EXACT for item, _ in run.get(query, ())[:DEEP])
            for query, grades_of in qrels.items()
        ]
        chance = paired_randomisation(useful[name], useful[last]) if name != last else 1.0
        numbers = (
            useful[name].mean(),
            (grades >= EXACT).mean(),
            np.maximum(grades, 0.0).mean(),
            ndcg,
            (grades == -1).mean(),
            np.mean(deep),
        )
        cells = [*(f"{number:.3f}" for number in numbers), f"{chance:.4f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{len(qrels)} requests"])


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, help="run files, joined by commas")
    parser.add_argument("--qrels", required=True)
    options = parser.parse_args(arguments)
    paths = [Path(path) for path in options.runs.split(",")]
    runs = {path.stem: read_run(path) for path in paths}
    print(table(runs, read_qrels(Path(options.qrels))))


if __name__ == "__main__":
    main()
