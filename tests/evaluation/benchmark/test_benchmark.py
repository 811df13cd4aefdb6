"""Published figures: what the file says, and beside what they are printed."""

import dataclasses
import json

import pytest

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.catalogue import DATASETS
from fitrank_tf.evaluation.benchmark import benchmark as module
from fitrank_tf.evaluation.benchmark.benchmark import (
    BENCHMARKS,
    PublishedRow,
    PublishedTask,
    benchmark_of,
)
from fitrank_tf.evaluation.benchmark.measures import CUTS
from fitrank_tf.evaluation.benchmark.task import PHOTO, TEXT, Task
from tests.evaluation.benchmark.small_data import data_of

TASK = Task(
    *("text to image", TEXT, PHOTO, {"q": "a hat"}, {"1": "1", "2": "2"}),
    {"q": {"1": 1}},
    ("R@1",),
)
# What means of others are rounded by.
_ROUNDED = 0.0011


@pytest.mark.parametrize(
    ("queries", "documents", "differs", "reason"),
    [
        (1, 2, "", ""),
        (2000, 2, "", "1 queries where the published have 2,000"),
        (1, 3, "", "2 documents where the published have 3"),
        (1, 2, "own queries", "own queries"),
        (
            *(2, 3, "own queries"),
            "own queries; 1 queries where the published have 2; "
            "2 documents where the published have 3",
        ),
    ],
)
def test_figures_stand_beside_those_of_the_same_task_alone(
    queries: int, documents: int, differs: str, reason: str
) -> None:
    published = PublishedTask(queries, documents, [])
    assert published.unlike(dataclasses.replace(TASK, differs=differs)) == reason


def test_a_data_set_without_a_benchmark_is_one_line() -> None:
    with pytest.raises(FitRankError, match=r"modanet: there is no .*deepfashion_inshop"):
        benchmark_of("modanet")


def test_the_file_is_of_benchmarks_that_there_are() -> None:
    plain = json.loads(module._PUBLISHED.read_text(encoding="utf-8"))
    of_each = plain["benchmarks"]
    assert set(of_each) <= set(BENCHMARKS) <= set(DATASETS)
    known = {"notes", "tasks", "columns", "official_name"}
    assert set().union(*of_each.values()) <= known
    assert all(set(group) <= set(DATASETS) for group in plain["same_products"])


def test_the_same_products_are_known_both_ways() -> None:
    kagl, kaggle = "marqo_parquet/kagl", "fashion_product_images"
    assert kaggle in benchmark_of(kagl).same_products
    assert kagl in benchmark_of(kaggle).same_products
    assert benchmark_of("flickr30k/karpathy").same_products == {"flickr30k/entities"}
    assert not benchmark_of("inria_holidays").same_products


@pytest.mark.parametrize("dataset", BENCHMARKS)
def test_published_figures_are_of_the_benchmarks_tasks(dataset: str) -> None:
    benchmark = benchmark_of(dataset)
    made = {task.name: task for task in benchmark.make_tasks(data_of({"1": {}}))}
    assert set(benchmark.published) <= set(made)
    for name, published in benchmark.published.items():
        assert published.queries > 0 and published.documents > 0 and published.rows
        rows = [(row.system, row.source) for row in published.rows]
        assert len(rows) == len(set(rows)), name
        for row in published.rows:
            assert row.values and row.source
            assert set(row.values) <= set(made[name].measures) <= set(CUTS)
            assert all(0.0 <= value <= 1.0 for value in row.values.values())


@pytest.mark.parametrize("dataset", BENCHMARKS)
def test_published_means_are_those_of_their_parts(dataset: str) -> None:
    for published in benchmark_of(dataset).published.values():
        for row in published.rows:
            for kind in {"AvgR", "AvgP"} & set(row.values):
                parts = [row.values[f"{kind[-1]}@{cut}"] for cut in (1, 10)]
                assert row.values[kind] == pytest.approx(sum(parts) / 2, abs=_ROUNDED), row


@pytest.mark.parametrize("dataset", BENCHMARKS)
def test_figures_rise_with_the_cut(dataset: str) -> None:
    for published in benchmark_of(dataset).published.values():
        for row in published.rows:
            of_kind: dict[str, list[tuple[int, float]]] = {}
            for name, value in row.values.items():
                kind, _, cut = name.partition("@")
                if kind in ("R", "hit"):
                    of_kind.setdefault(kind, []).append((int(cut), value))
            for pairs in of_kind.values():
                figures = [value for _, value in sorted(pairs)]
                assert figures == sorted(figures), row


def test_products_of_the_test_split_alone_are_searched() -> None:
    items = {
        "1": {"text": "Red shirt", "category": "Apparel", "split": "train"},
        "2": {"text": "Tan bag", "category": "Accessories", "split": "test"},
    }
    tasks = benchmark_of("fashion_product_images").make_tasks(data_of(items))
    assert [list(task.documents) for task in tasks] == [["2"]] * len(tasks)
    assert all("test split alone" in task.differs for task in tasks)
    named = {task.name: list(task.queries.values()) for task in tasks}
    assert named["text to image"] == ["Tan bag"]
    assert named["category to product"] == ["Accessories"]
    whole = benchmark_of("marqo_parquet/kagl").make_tasks(data_of(items))
    assert [list(task.documents) for task in whole] == [["1", "2"]] * len(whole)


def test_a_row_holds_what_the_file_says() -> None:
    published = benchmark_of("inria_holidays").published["image to image"]
    assert (published.queries, published.documents) == (500, 1491)
    assert published.rows == [
        PublishedRow("ResNet-152 GeM", {"mAP": 0.9026}, "Revaud et al., ICCV 2019")
    ]
