"""A contact sheet of hits and misses of a benchmark's tasks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fitrank_tf.datasets.catalogue import Catalogue, CatalogueRecords
from fitrank_tf.evaluation.benchmark.report import TaskResult
from fitrank_tf.evaluation.benchmark.systems import TaskRun
from fitrank_tf.evaluation.benchmark.task import PHOTO, TEXT, Task, sample
from fitrank_tf.evaluation.sheets.contact_sheet import (
    SheetItem,
    SheetRow,
    draw_contact_sheet,
)
from fitrank_tf.inputs.images import resize_and_pad
from fitrank_tf.queries.grades import EXACT

# Of each task: so many queries whose first result is right, and so many where it is not.
_QUERIES, _COLUMNS, _THUMBNAIL = 3, 6, 160


def draw_hits_and_misses(
    catalogue: Catalogue,
    rows: Sequence[int],
    records: CatalogueRecords,
    results: Sequence[TaskResult],
    runs: Sequence[Mapping[str, TaskRun]],
    path: Path,
) -> Path | None:
    """Draws some queries of the tasks that find photos, by each task's last system.

    Args:
        catalogue: whose photos.
        rows: of the benchmark's Items.
        records: of the same.
        results: of the tasks.
        runs: {system: run} of each task.
        path: of the PNG; the page is beside it.

    Returns:
        The path; None if no task finds photos.
    """
    chosen = [
        (result.task, list(of_systems.items())[-1], query, found)
        for result, of_systems in zip(results, runs)
        if result.task.finds != TEXT and of_systems
        for found, query in _chosen(result.task, list(of_systems.values())[-1])
    ]
    if not chosen:
        return None
    shown = {
        item
        for task, (_, run), query, _ in chosen
        for item in [*_asking(task, query), *_first(task, run, query)]
    }
    titles = dict(zip(records.ids, records.texts))
    places = [row for row, item in zip(rows, records.ids) if item in shown]
    pictures = _thumbnails(catalogue, places)
    sheet = []
    for task, (system, run), query, found in chosen:
        asking = [
            SheetItem(item, "the query", pictures[item], 0) for item in _asking(task, query)
        ]
        items = [
            SheetItem(
                document,
                titles[task.documents[document]],
                pictures[task.documents[document]],
                EXACT if document in task.qrels[query] else 0,
            )
            for document, _ in run[query][:_COLUMNS]
        ]
        said = task.queries[query] if task.asks != PHOTO else f"photo {query}"
        title = f"{found}, {task.name}: {said}"
        sheet.append(SheetRow(title, system, [*asking, *items]))
    draw_contact_sheet(sheet, path, path.with_suffix(".html"))
    return path


def _chosen(task: Task, run: TaskRun) -> list[tuple[str, str]]:
    """("hit" or "miss", query) of a few queries."""
    sorts: dict[str, list[str]] = {"hit": [], "miss": []}
    for query, ranking in run.items():
        right = bool(ranking) and ranking[0][0] in task.qrels.get(query, {})
        sorts["hit" if right else "miss"].append(query)
    return [
        (found, query)
        for found, queries in sorts.items()
        for query in sample(queries, _QUERIES)
    ]


def _asking(task: Task, query: str) -> list[str]:
    return [task.queries[query]] if task.asks == PHOTO else []


def _first(task: Task, run: TaskRun, query: str) -> list[str]:
    return [task.documents[document] for document, _ in run[query][:_COLUMNS]]


def _thumbnails(catalogue: Catalogue, rows: Sequence[int]) -> dict[str, np.ndarray]:
    """{id: uint8 [160, 160, 3]} of the photos of some rows."""
    small = catalogue.chosen_items(rows).map(
        lambda item: (item["id"], resize_and_pad(item["image"], _THUMBNAIL))
    )
    return {item.decode(): photo for item, photo in small.as_numpy_iterator()}
