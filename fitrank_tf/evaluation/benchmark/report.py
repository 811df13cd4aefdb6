"""The report of a benchmark: header, a table for each task, JSON and run files."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.core.files import write_atomically
from fitrank_tf.evaluation.benchmark.benchmark import Benchmark, PublishedRow
from fitrank_tf.evaluation.benchmark.measures import measure_queries
from fitrank_tf.evaluation.benchmark.systems import TaskRun
from fitrank_tf.evaluation.benchmark.task import Task
from fitrank_tf.evaluation.markdown_table import markdown_table
from fitrank_tf.evaluation.significance import paired_randomisation
from fitrank_tf.evaluation.trec import write_qrels, write_run

REPORT, PLAIN_REPORT = "benchmark.md", "benchmark.json"


@dataclasses.dataclass(frozen=True)
class TaskResult:
    """The measures of a task.

    Attributes:
        task: what was asked.
        values: {system: {measure: {query id: value}}}.
        published: what others have published of it, if its figures stand beside theirs.
        unlike: why they do not; "" if they do, or if nothing is published.
    """

    task: Task
    values: Mapping[str, Mapping[str, Mapping[str, float]]]
    published: Sequence[PublishedRow]
    unlike: str

    def means(self, system: str) -> dict[str, float]:
        """{measure: mean over the queries} of a system."""
        return {
            name: float(np.mean(list(of.values())))
            for name, of in self.values[system].items()
        }

    def p_value(self, system: str, baseline: str) -> float:
        """p of the paired randomisation test of the task's first measure."""
        name = self.task.measures[0]
        first, second = (
            list(self.values[each][name].values()) for each in (system, baseline)
        )
        return paired_randomisation(first, second)


def task_result(
    benchmark: Benchmark, task: Task, runs: Mapping[str, TaskRun]
) -> TaskResult:
    """Measures the runs {system: run} of a task."""
    values = {
        system: measure_queries(run, task.qrels, task.measures)
        for system, run in runs.items()
    }
    published = benchmark.published.get(task.name)
    unlike = published.unlike(task) if published else ""
    rows = published.rows if published and not unlike else ()
    return TaskResult(task, values, rows, unlike)


def report_text(header: Sequence[str], results: Sequence[TaskResult], baseline: str) -> str:
    """The report in Markdown, readable as plain text.

    Args:
        header: lines of it.
        results: of the tasks.
        baseline: the system that the others are compared with; "" for none.
    """
    parts = ["\n".join(f"- {line}" for line in header)]
    parts += [_task_text(result, baseline) for result in results]
    return "\n\n".join(parts) + "\n"


def _task_text(result: TaskResult, baseline: str) -> str:
    task = result.task
    first = task.measures[0]
    compared = bool(baseline and baseline in result.values)
    rows = []
    for system in result.values:
        cells = [system, *(f"{value:.4f}" for value in result.means(system).values())]
        if compared:
            is_other = system != baseline
            cells.append(f"{result.p_value(system, baseline):.4f}" if is_other else "")
        rows.append([*cells, ""])
    for row in result.published:
        values = [row.values.get(name) for name in task.measures]
        cells = [row.system, *("" if of is None else f"{of:.4f}" for of in values)]
        rows.append([*cells, *([""] if compared else []), row.source])
    titles = [task.name, *task.measures]
    titles += [f"p of {first} against {baseline}"] if compared else []
    titles.append("published in" if result.published else "")
    lines = [f"**{task.name}**: {len(task.queries):,} queries, {len(task.documents):,} "]
    lines[0] += f"documents{', the query taken out' if task.excludes_query else ''}"
    if task.left_out:
        lines.append(f"\n{task.left_out:,} queries have no right document: left out.")
    if result.unlike:
        lines.append(f"\nNo published figures stand beside these: {result.unlike}.")
    elif task.differs:
        lines.append(f"\nNot the published protocol: {task.differs}.")
    # Columns without any text are left out.
    columns = [column for column in zip(titles, *rows) if any(column)]
    shown, *others = zip(*columns)
    return "\n".join([*lines, "", markdown_table(shown, others, num_texts=1)])


def write_report(
    folder: Path,
    header: Sequence[str],
    results: Sequence[TaskResult],
    runs: Sequence[Mapping[str, TaskRun]],
    baseline: str,
) -> str:
    """Writes report, JSON, run files and qrels; returns the report's text.

    Args:
        folder: gets the files.
        header: lines of the report's header.
        results: of the tasks.
        runs: {system: run} of each task.
        baseline: as of `report_text`.
    """
    text = report_text(header, results, baseline)
    write_atomically(folder / REPORT, text.encode())
    plain = {"header": list(header), "tasks": [_plain(result) for result in results]}
    write_atomically(folder / PLAIN_REPORT, (json.dumps(plain, indent=1) + "\n").encode())
    for result, of_systems in zip(results, runs, strict=True):
        name = "_".join(result.task.name.split())
        write_qrels(folder / f"{name}.qrels", result.task.qrels)
        for system, run in of_systems.items():
            write_run(folder / f"{name}.{system}.run", run, system)
    return text


def _plain(result: TaskResult) -> dict[str, Any]:
    task = result.task
    return {
        "task": task.name,
        "queries": len(task.queries),
        "documents": len(task.documents),
        "left_out": task.left_out,
        "differs": task.differs,
        "measures": {system: result.means(system) for system in result.values},
        "published": [dataclasses.asdict(row) for row in result.published],
        "no_published_figures": result.unlike,
    }
