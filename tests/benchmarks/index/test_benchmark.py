"""The index benchmark on about a thousand vectors; no speed is asserted."""

import dataclasses

import numpy as np
import pytest

from benchmarks import command as benchmark
from benchmarks.index import benchmark as index_benchmark
from benchmarks.index import systems as index_systems
from benchmarks.index.benchmark import (
    FilteredSpeed,
    IndexSpeed,
    IndexWorkload,
    Trial,
    available,
    filtered_table,
    index_table,
)
from benchmarks.index.recall_plot import draw_recalls, fastest_by_recall
from benchmarks.index.sample_embeddings import (
    PASSING_SHARES,
    exact_neighbours,
    passing_filter,
    synthetic_sample,
)
from benchmarks.index.systems import (
    SYSTEMS,
    FaissFlat,
    FaissHnsw,
    OurExact,
    OurScann,
)
from benchmarks.index.work import BUILD, MEMORY, Search, index_operations, save_sample
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.packages import missing_packages

SLOW_SURE = Trial(1, (9, 100), 0.99, 0.50)
FAST_ENOUGH = Trial(0, (4, 50), 0.95, 0.20)
FASTER_BLIND = Trial(2, (1, 20), 0.90, 0.10)
SLOWER_BLIND = Trial(3, (2, 20), 0.80, 0.15)


def speed(system, single: float, batched: float, k: int = 10) -> IndexSpeed:
    """A speed for 100,000 vectors."""
    trial = Trial(0, (40, 50), 0.97, 1.0)
    return IndexSpeed(system, 100_000, k, trial, [trial], single, batched, 12.34, 567.8)


def rows(table: str) -> list[list[str]]:
    """The cells of a Markdown table, without the header."""
    lines = table.splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_fastest_effort_that_finds_enough() -> None:
    tried = [FASTER_BLIND, SLOW_SURE, FAST_ENOUGH]
    assert index_benchmark._choose(tried) is FAST_ENOUGH
    assert index_benchmark._choose([FASTER_BLIND, SLOWER_BLIND]) is FASTER_BLIND


def test_the_plot_leaves_out_trials_that_others_beat() -> None:
    tried = [SLOWER_BLIND, SLOW_SURE, FASTER_BLIND, FAST_ENOUGH]
    assert fastest_by_recall(tried) == [FASTER_BLIND, FAST_ENOUGH, SLOW_SURE]


def test_ratios_are_of_ours_of_the_same_kind_and_neighbours() -> None:
    graph, flat = speed(FaissHnsw, 500, 2000), speed(FaissFlat, 40, 100)
    scann, exact = speed(OurScann, 1000, 3000), speed(OurExact, 60, 80)
    other = speed(OurScann, 1, 1, k=100)
    cells = {row[2]: row for row in rows(index_table([other, scann, graph, exact, flat]))}
    assert cells["faiss, HNSW"][:4] == ["100,000", "10", "faiss, HNSW", "ef 40"]
    assert cells["faiss, HNSW"][4:] == (
        ["0.970", "500", "2.00 x", "2,000", "1.50 x", "12.3", "568"]
    )
    assert cells["faiss, flat"][6] == "1.50 x" and cells["faiss, flat"][8] == "0.80 x"
    assert cells["ours, exact"][6] == cells["ours, exact"][8] == ""
    assert rows(index_table([graph]))[0][6] == ""
    short = dataclasses.replace(graph, chosen=dataclasses.replace(graph.chosen, recall=0.9))
    assert rows(index_table([short]))[0][4] == "0.900, short of 0.95"


def test_filtered_searches_stand_beside_those_without_a_filter() -> None:
    filtered = FilteredSpeed(0.01, 0.987, 500, 6000)
    of_scann = dataclasses.replace(speed(OurScann, 1000, 3000), filtered=[filtered])
    assert rows(filtered_table([of_scann, speed(FaissFlat, 40, 100)])) == [
        ["100,000", "10", "ours, ScaNN", "1.0%", "0.987"]
        + ["500", "0.50 x", "6,000", "2.00 x"]
    ]


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_a_system_finds_the_true_neighbours(system, tmp_path) -> None:
    line = missing_packages(system.name, system.packages)
    if line:
        pytest.skip(line)
    sample = synthetic_sample(1200, 20, 32, seed=0)
    save_sample(tmp_path, sample)
    operations = index_operations(tmp_path, system.name, "5")
    for _ in system.parts(1200):
        operations[BUILD]()
    truth = exact_neighbours(sample, 10)
    most = len(system.efforts(1200, 10)) - 1
    found = operations[Search(10, most, one_by_one=False).operation]()
    single = operations[Search(10, most, one_by_one=True).operation]()
    assert found.shape == (20, 10) and single.shape == (5, 10)
    np.testing.assert_array_equal(single, found[:5])
    assert index_benchmark._recall(found, truth) > (0.999 if system.is_exact else 0.98)
    for share in PASSING_SHARES if system.can_filter else ():
        passing = np.flatnonzero(passing_filter(1200, share))
        scores = sample.queries @ sample.vectors[passing].T
        wanted = passing[np.argsort(-scores, axis=1)[:, :10]]
        filtered = operations[Search(10, most, False, share).operation]()
        single = operations[Search(10, most, True, share).operation]()
        np.testing.assert_array_equal(single, filtered[:5])
        assert np.isin(filtered[filtered >= 0], passing).all()
        assert index_benchmark._recall(filtered, wanted) > 0.98
    # 1200 vectors of 32 float32 are 150 KiB.
    assert float(operations[MEMORY]()) > 0.1


def test_parts_cover_all_vectors_once() -> None:
    parts = FaissHnsw.parts(45_000)
    assert [(part.start, part.stop) for part in parts] == (
        [(0, 20_000), (20_000, 40_000), (40_000, 45_000)]
    )
    assert OurExact.parts(45_000) == [slice(0, 45_000)]


def test_recall_counts_in_any_order() -> None:
    found, truth = np.array([[3, 1, 2], [7, 8, 9]]), np.array([[1, 2, 5], [9, 8, 7]])
    assert index_benchmark._recall(found, truth) == pytest.approx(5 / 6)


class Wrong:
    """A process whose searches always return the first rows."""

    def run(self, operation: str) -> np.ndarray:
        return np.zeros((4, 10), int)

    def time(self, operation: str, steps: int) -> list[float]:
        return [1.0] * steps


def test_an_exact_index_that_is_not_exact_is_an_error() -> None:
    truth = np.tile(np.arange(10), (4, 1))
    with pytest.raises(FitRankError, match=r"finds 10.0% of the true neighbours"):
        index_benchmark._try_efforts({FaissFlat: Wrong()}, truth, 1000)


class Absent(FaissFlat):
    """A system whose package is not installed."""

    name, packages = "theirs", ("no_such_package",)


def test_the_command_compares_installed_systems(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setattr(index_systems, "SYSTEMS", (OurScann, Absent, OurExact))
    benchmark.main(
        [
            *("--suite=index", "--sizes=1000", "--queries=8", "--singles=2"),
            *("--rounds=1", "--dim=16", f"--output_dir={tmp_path}"),
        ]
    )
    printed = capsys.readouterr().out
    assert "theirs is skipped: no_such_package not installed" in printed
    report = (tmp_path / "index.md").read_text()
    assert report in printed and "synthetic vectors of 16 numbers" in report
    speeds, filtered = report.split("\n\nWith filters, at the same effort:\n\n")
    table = rows(speeds[speeds.index("|") :])
    assert [(row[1], row[2]) for row in table] == [
        *(("10", "ours, ScaNN"), ("10", "ours, exact")),
        *(("100", "ours, ScaNN"), ("100", "ours, exact")),
    ]
    assert [row[4] for row in table[1::2]] == ["1.000", "1.000"]
    shares = [f"{share:.1%}" for share in PASSING_SHARES]
    cells = rows(filtered)
    assert [row[3] for row in cells] == shares * 4
    assert {row[4] for row in cells if row[2] == "ours, exact"} == {"1.000"}
    assert all(float(row[4]) > 0.8 for row in cells)
    assert (tmp_path / "index.png").read_bytes().startswith(b"\x89PNG")


def test_available_systems_are_those_that_can_be_imported(capsys) -> None:
    assert available((Absent, OurExact)) == [OurExact]
    assert "theirs is skipped" in capsys.readouterr().out


def test_the_plot_of_two_sizes(tmp_path) -> None:
    path = tmp_path / "new" / "recall.png"
    draw_recalls([speed(OurScann, 1, 1), speed(OurExact, 1, 1, k=100)], 100, path)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--sizes=1000,x", "--sizes 1000,x"),
        ("--sizes=999", "1000 or more"),
        ("--queries=0", "--queries is 0"),
        ("--singles=2000", "--singles is 2000"),
        ("--rounds=0", "--rounds is 0"),
        ("--dim=1", "--dim 1"),
        ("--bundle=nowhere", "no bundle in nowhere"),
    ],
)
def test_bad_options_are_reported_before_anything_is_built(option, message) -> None:
    with pytest.raises(FitRankError, match=message):
        benchmark.main(["--suite=index", option])


def test_efforts_fit_the_index() -> None:
    assert OurScann.efforts(10_000, 100) == [(1, 100), (1, 120), (1, 300), (1, 1000)]
    assert min(FaissHnsw.efforts(10_000, 100)) == (100,)
    assert IndexWorkload(queries=3, singles=3).rounds == 5
