"""The benchmarks by data set: tasks, and what others have published."""

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.splits import TEST
from fitrank_tf.evaluation.benchmark.captions import caption_tasks
from fitrank_tf.evaluation.benchmark.deepfashion import (
    attribute_tasks,
    consumer_to_shop_tasks,
    inshop_tasks,
    multimodal_tasks,
)
from fitrank_tf.evaluation.benchmark.holidays import holidays_tasks
from fitrank_tf.evaluation.benchmark.products import category_tasks, text_to_image
from fitrank_tf.evaluation.benchmark.task import BenchmarkData, Task

_PUBLISHED = Path(__file__).with_name("published.json")
_MakeTasks = Callable[[BenchmarkData], list[Task]]


@dataclasses.dataclass(frozen=True)
class PublishedRow:
    """A system's published figures.

    Attributes:
        system: its name.
        values: {measure: 0 to 1}.
        source: where they are published.
    """

    system: str
    values: Mapping[str, float]
    source: str


@dataclasses.dataclass(frozen=True)
class PublishedTask:
    """What others have published of a task.

    Attributes:
        queries: how many queries they asked.
        documents: how many documents they searched.
        rows: their figures.
    """

    queries: int
    documents: int
    rows: Sequence[PublishedRow]

    def unlike(self, task: Task) -> str:
        """Why a task's figures do not stand beside these; "" if they do."""
        reasons = [task.differs] if task.differs else []
        for what, own, theirs in (
            ("queries", len(task.queries), self.queries),
            ("documents", len(task.documents), self.documents),
        ):
            if own != theirs:
                reasons.append(f"{own:,} {what} where the published have {theirs:,}")
        return "; ".join(reasons)


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """The benchmark of a data set.

    Attributes:
        make_tasks: makes its tasks.
        published: {task: what others have published}.
        notes: what a reader of its figures should know.
        same_products: other data sets that have some of its products.
    """

    make_tasks: _MakeTasks
    published: Mapping[str, PublishedTask]
    notes: Sequence[str]
    same_products: frozenset[str]


def benchmark_of(dataset: str) -> Benchmark:
    """The benchmark of a data set, by the name that `--dataset` has.

    Raises:
        FitRankError: if there is none.
    """
    if dataset not in _TASKS:
        raise FitRankError(
            f"--dataset {dataset}: there is no benchmark of it; choose one of "
            f"{', '.join(BENCHMARKS)}"
        )
    plain = _published_of(dataset)
    return Benchmark(
        _TASKS[dataset],
        {name: _published_task(of) for name, of in plain.get("tasks", {}).items()},
        plain.get("notes", ()),
        frozenset(
            other
            for group in _published()["same_products"]
            if dataset in group
            for other in group
            if other != dataset
        ),
    )


def _published_task(plain: Mapping[str, Any]) -> PublishedTask:
    rows = [PublishedRow(**row) for row in plain["rows"]]
    return PublishedTask(plain["queries"], plain["documents"], rows)


@functools.cache
def _published() -> Mapping[str, Any]:
    return json.loads(_PUBLISHED.read_text(encoding="utf-8"))


def _published_of(dataset: str) -> Mapping[str, Any]:
    return _published()["benchmarks"].get(dataset, {})


def _catalogue_tasks(dataset: str, data: BenchmarkData, rows: Sequence[int]) -> list[Task]:
    """Marqo's tasks of a catalogue, whose name and columns `published.json` has."""
    plain = _published_of(dataset)
    name = plain["official_name"]
    columns = {task: (pair[0], pair[1]) for task, pair in plain.get("columns", {}).items()}
    return [text_to_image(data, rows, name), *category_tasks(data, rows, name, columns)]


def _whole_catalogue(dataset: str) -> _MakeTasks:
    return lambda data: _catalogue_tasks(dataset, data, range(len(data.records)))


def _test_products(dataset: str) -> _MakeTasks:
    def tasks(data: BenchmarkData) -> list[Task]:
        rows = [row for row, split in enumerate(data.records.splits) if split == TEST]
        made = _catalogue_tasks(dataset, data, rows)
        differs = "products of the test split alone, of another set of photos"
        return [dataclasses.replace(task, differs=differs) for task in made]

    return tasks


_TASKS: Mapping[str, _MakeTasks] = {
    "deepfashion_inshop": inshop_tasks,
    "deepfashion_consumer_to_shop": consumer_to_shop_tasks,
    "deepfashion_multimodal": multimodal_tasks,
    "deepfashion_attributes": attribute_tasks,
    "mscoco_karpathy": caption_tasks,
    "flickr30k/karpathy": caption_tasks,
    "inria_holidays": holidays_tasks,
    **{
        name: _whole_catalogue(name)
        for name in (
            "marqo_parquet/kagl",
            "marqo_parquet/fashion200k",
            "marqo_parquet/atlas",
            "marqo_parquet/polyvore",
        )
    },
    # The products of `marqo_parquet/kagl` from their own archive.
    "fashion_product_images": _test_products("fashion_product_images"),
}
BENCHMARKS: tuple[str, ...] = tuple(_TASKS)
