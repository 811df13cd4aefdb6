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

from fitrank_tf.evaluation.metrics import MEASURES, evaluate_queries
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
    measured = {name: by_query(run, qrels, USEFUL) for name, run in runs.items()}
    *_, last = runs
    for name, run in runs.items():
        grades, useful = first_grades(run, qrels), measured[name]["P@10"]
        deep = [
            any(grades_of.get(item, 0) >= EXACT for item, _ in run.get(query, ())[:DEEP])
            for query, grades_of in qrels.items()
        ]
        of_last = measured[last]["P@10"]
        chance = paired_randomisation(useful, of_last) if name != last else 1.0
        numbers = (
            useful.mean(),
            by_query(run, qrels, EXACT)["P@10"].mean(),
            np.maximum(grades, 0.0).mean(),
            measured[name]["nDCG@10"].mean(),
            (grades == -1).mean(),
            np.mean(deep),
        )
        cells = [*(f"{number:.3f}" for number in numbers), f"{chance:.4f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{len(qrels)} requests"])


def by_query(
    run: Run, qrels: Mapping[str, Mapping[str, int]], grade: int
) -> dict[str, np.ndarray]:
    """{measure: a value of each judged query}, with `grade` the least that is relevant."""
    values = evaluate_queries(run, qrels, grade).values()
    return {name: np.array([of[name] for of in values]) for name in MEASURES}


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
