"""The report's tables, its JSON and its run files."""

import dataclasses
import json
from pathlib import Path

import pytest

from fitrank_tf.evaluation.benchmark.benchmark import (
    Benchmark,
    PublishedRow,
    PublishedTask,
)
from fitrank_tf.evaluation.benchmark.report import report_text, task_result, write_report
from fitrank_tf.evaluation.benchmark.task import PHOTO, TEXT, Task
from tests.evaluation.run_files import read_run

TASK = Task(
    *("text to image", TEXT, PHOTO),
    {"q1": "a hat", "q2": "a bag"},
    {"a": "a", "b": "b", "c": "c"},
    {"q1": {"a": 1}, "q2": {"b": 1, "c": 1}},
    ("R@1", "MRR@10"),
)
RUNS = {
    "clip": {"q1": [("b", 0.9), ("a", 0.8)], "q2": [("b", 0.7), ("a", 0.1)]},
    "clip_lora": {"q1": [("a", 0.9), ("b", 0.8)], "q2": [("c", 0.7), ("b", 0.6)]},
}
ROWS = [
    PublishedRow("Other B/32", {"R@1": 0.25, "MRR@10": 0.5}, "A leaderboard"),
    PublishedRow("Third", {"MRR@10": 1 / 3}, "A paper, 2026"),
]


def result(queries: int = 2, documents: int = 3, differs: str = ""):
    published = {"text to image": PublishedTask(queries, documents, ROWS)}
    task = dataclasses.replace(TASK, differs=differs)
    return task_result(Benchmark(lambda data: [], published, (), ()), task, RUNS)


def test_published_rows_stand_below_the_bundles() -> None:
    assert report_text(["three photos", "terms: none"], [result()], "") == (
        "- three photos\n"
        "- terms: none\n"
        "\n"
        "**text to image**: 2 queries, 3 documents\n"
        "\n"
        "| text to image |    R@1 | MRR@10 |  published in |\n"
        "| ------------- | -----: | -----: | ------------: |\n"
        "| clip          | 0.2500 | 0.7500 |               |\n"
        "| clip_lora     | 0.7500 | 1.0000 |               |\n"
        "| Other B/32    | 0.2500 | 0.5000 | A leaderboard |\n"
        "| Third         |        | 0.3333 | A paper, 2026 |\n"
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"queries": 2000},
            "No published figures stand beside these: 2 queries where the published have "
            "2,000.",
        ),
        (
            {"differs": "own queries", "documents": 4},
            "No published figures stand beside these: own queries; 3 documents where the "
            "published have 4.",
        ),
    ],
)
def test_another_task_has_no_published_rows(changed: dict, said: str) -> None:
    text = report_text([], [result(**changed)], "")
    assert said in text.splitlines()
    assert "Other B/32" not in text and "published in" not in text
    assert "| clip_lora     | 0.7500 | 1.0000 |" in text.splitlines()


def test_a_task_of_which_nothing_is_published_says_how_it_differs() -> None:
    benchmark = Benchmark(lambda data: [], {}, (), ())
    task = dataclasses.replace(TASK, differs="own queries", excludes_query=True)
    lines = report_text([], [task_result(benchmark, task, RUNS)], "").splitlines()
    assert "**text to image**: 2 queries, 3 documents, the query taken out" in lines
    assert "Not the published protocol: own queries." in lines
    plain = report_text([], [task_result(benchmark, TASK, RUNS)], "")
    assert "published" not in plain


def test_queries_that_are_left_out_are_said() -> None:
    few = dataclasses.replace(result(), task=dataclasses.replace(TASK, left_out=3))
    said = "3 queries have no right document: left out."
    assert said in report_text([], [few], "").splitlines()
    assert said not in report_text([], [result()], "")


def test_a_baseline_adds_a_column_of_p_values() -> None:
    lines = report_text([], [result()], "clip").splitlines()
    [header] = [line for line in lines if line.startswith("| text to image")]
    cells = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]]
        for line in lines
        if line.startswith("|")
    }
    assert "p of R@1 against clip" in header
    # Differences of 1 and 0: each of the four swaps is as far apart as what was seen.
    assert cells["clip_lora"] == ["0.7500", "1.0000", "1.0000", ""]
    assert cells["clip"] == ["0.2500", "0.7500", "", ""]
    assert cells["Other B/32"] == ["0.2500", "0.5000", "", "A leaderboard"]


def test_a_baseline_that_cannot_do_the_task_adds_none() -> None:
    assert report_text([], [result()], "reranked") == report_text([], [result()], "")


def test_files_hold_what_was_measured(tmp_path: Path) -> None:
    text = write_report(tmp_path, ["three photos"], [result()], [RUNS], "clip")
    assert (tmp_path / "benchmark.md").read_text() == text
    assert json.loads((tmp_path / "benchmark.json").read_text()) == {
        "header": ["three photos"],
        "tasks": [
            {
                "task": "text to image",
                "queries": 2,
                "documents": 3,
                "left_out": 0,
                "differs": "",
                "measures": {
                    "clip": {"R@1": 0.25, "MRR@10": 0.75},
                    "clip_lora": {"R@1": 0.75, "MRR@10": 1.0},
                },
                "published": [dataclasses.asdict(row) for row in ROWS],
                "no_published_figures": "",
            }
        ],
    }
    for system, run in RUNS.items():
        read = read_run(tmp_path / f"text_to_image.{system}.run")
        assert {
            query: [item for item, _ in ranking] for query, ranking in read.items()
        } == {query: [item for item, _ in ranking] for query, ranking in run.items()}
    qrels = (tmp_path / "text_to_image.qrels").read_text()
    assert qrels == "q1 0 a 1\nq2 0 b 1\nq2 0 c 1\n"
