"""The tower benchmark on tiny towers; no speed is asserted."""

import dataclasses

import numpy as np
import pytest

from benchmarks import command as benchmark
from benchmarks.benchmark_process import BenchmarkProcess
from benchmarks.towers import benchmark as tower_benchmark
from benchmarks.towers.benchmark import (
    REFERENCE,
    SYSTEMS,
    Comparison,
    System,
    TowerSpeed,
    Workload,
    compare_towers,
    speed_table,
    time_table,
)
from benchmarks.towers.keras_clip import keras_operations
from benchmarks.towers.random_clip import random_batch, write_random_clip
from benchmarks.towers.work import (
    IMAGE_STEP,
    IMAGES,
    TEXT_STEP,
    TEXTS,
    TIMED,
    TRAIN,
    TRAINED,
    Batch,
)
from fitrank_tf.core.errors import FitRankError
from fitrank_tf.towers.backbones import TowerSizes, TransformerSizes

SIZES = TowerSizes(
    vision=TransformerSizes(24, 2, 2, 32, "quick_gelu"),
    text=TransformerSizes(16, 1, 2, 24, "quick_gelu"),
    image_size=32,
    patch_size=16,
    vocabulary_size=600,
    context_length=10,
    embedding_dim=12,
)
WORKLOAD = Workload(batch_size=4, rounds=1, steps=1)

# Seconds of 16 pairs, chosen so that every cell below is exact.
OURS = TowerSpeed(
    "ours",
    16,
    {TRAIN: 4.0, IMAGES: 1.0, TEXTS: 0.5, IMAGE_STEP: 2.5, TEXT_STEP: 1.25},
    1234,
)
THEIRS = TowerSpeed(
    REFERENCE.name,
    16,
    {TRAIN: 8.0, IMAGES: 0.8, TEXTS: 0.5, IMAGE_STEP: 2.8, TEXT_STEP: 1.5},
    567,
)
ABSENT = System("theirs", "nothing", ("numpy", "no_such_package"))


@pytest.fixture
def folder(tmp_path):
    write_random_clip(tmp_path, SIZES, seed=0)
    Batch(*random_batch(SIZES, 4, seed=0)).save(tmp_path)
    return tmp_path


def _rows(table: str) -> dict[str, list[str]]:
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return {row[0]: [cell.strip() for cell in row[1:]] for row in rows}


def test_speeds_and_ratios() -> None:
    rows = _rows(speed_table([OURS, THEIRS]))
    assert rows["ours"] == ["4.00", "2.00", "16.00", "0.80", "32.00", "1.00", "1,234"]
    assert rows[THEIRS.name] == ["2.00", "", "20.00", "", "32.00", "", "567"]


def test_no_ratio_without_pytorch() -> None:
    [_, _, row] = speed_table([OURS]).splitlines()
    assert row == "| ours | 4.00 |  | 16.00 |  | 32.00 |  | 1,234 |"


def test_parts_add_up_to_the_step() -> None:
    rows = _rows(time_table([OURS, THEIRS]))
    assert rows["image tower, forward"] == ["1000", "800"]
    assert rows["image tower, backward"] == ["1500", "2000"]
    assert rows["text tower, forward"] == ["500", "500"]
    assert rows["text tower, backward"] == ["750", "1000"]
    assert rows["the rest"] == ["250", "3700"]
    assert rows["whole training step"] == ["4000", "8000"]


def test_a_missing_package_is_one_line() -> None:
    assert ABSENT.missing() == (
        "theirs is skipped: no_such_package not installed; "
        '`pip install "fitrank-tf[bench]"`'
    )
    assert SYSTEMS[0].missing() is None


def test_the_command_runs_installed_systems(monkeypatch, capsys) -> None:
    ran = []

    def compare(workload, systems):
        ran.append((workload, systems))
        return Comparison([OURS], None)

    monkeypatch.setattr(benchmark, "SYSTEMS", (SYSTEMS[0], ABSENT))
    monkeypatch.setattr(benchmark, "compare_towers", compare)
    benchmark.main(["--suite=towers", "--batch_size=4", "--rounds=1", "--steps=1"])
    assert ran == [(WORKLOAD, [SYSTEMS[0]])]
    printed = capsys.readouterr().out
    assert printed == (
        f"{ABSENT.missing()}\n\n{speed_table([OURS])}\n\n{time_table([OURS])}\n"
    )


def test_each_suite_has_its_own_options(capsys) -> None:
    assert benchmark.parse(["--suite", "features", "--photos", "3"]).photos == 3
    with pytest.raises(SystemExit):
        benchmark.parse(["--suite", "towers", "--photos", "3"])
    with pytest.raises(SystemExit):
        benchmark.parse([])
    assert "--suite" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change", [{"batch_size": 1}, {"rounds": 0}, {"steps": -1}], ids=str
)
def test_a_workload_that_measures_nothing_is_rejected(change) -> None:
    with pytest.raises(FitRankError, match="must be"):
        dataclasses.replace(WORKLOAD, **change)


def test_a_batch_has_the_format_of_clip() -> None:
    images, token_ids = random_batch(SIZES, 50, seed=1)
    assert images.shape == (50, 32, 32, 3) and images.dtype == np.uint8
    assert token_ids.shape == (50, 10) and token_ids.dtype == np.int32
    assert (token_ids[:, 0] == 598).all()
    ends = token_ids.argmax(axis=1)
    for row, end in zip(token_ids, ends):
        assert row[end] == 599 and not row[end + 1 :].any()
        assert (row[1:end] > 0).all() and (row[1:end] < 598).all()
    assert len(set(ends)) > 5


@pytest.mark.slow
def test_our_side(folder) -> None:
    operations = keras_operations(folder)
    for operation in (IMAGES, TEXTS):
        made = operations[operation]()
        assert made.shape == (4, 12)
        np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1.0, atol=1e-5)
        # The embeddings of a batch differ.
        assert np.abs(made[0] - made[1]).max() > 0.01
    first = operations[TRAIN]()
    image, text = operations[IMAGES](), operations[TEXTS]()
    operations[IMAGE_STEP](), operations[TEXT_STEP]()
    np.testing.assert_array_equal(operations[IMAGES](), image)
    np.testing.assert_array_equal(operations[TEXTS](), text)
    for _ in range(20):
        last = operations[TRAIN]()
    assert last < first
    # Query and value of 2 + 1 blocks: A [width, heads, 8] and B [8, width / heads].
    vision, text = 2 * 2 * (24 * 2 * 8 + 8 * 12), 2 * (16 * 2 * 8 + 8 * 8)
    assert operations[TRAINED]() == vision + text + 1


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS[1:], ids=lambda system: system.name)
def test_systems_in_turns(system) -> None:
    if system.missing():
        pytest.skip(system.missing())
    found = compare_towers(WORKLOAD, [SYSTEMS[0], system], SIZES)
    assert found.agreement.embeddings < 1e-5 and found.agreement.loss < 1e-5
    assert [speed.name for speed in found.speeds] == [SYSTEMS[0].name, system.name]
    assert all(
        speed.seconds[operation] > 0 for speed in found.speeds for operation in TIMED
    )


@pytest.mark.slow
def test_one_system_alone() -> None:
    found = compare_towers(WORKLOAD, SYSTEMS[:1], SIZES)
    assert found.agreement is None
    [speed] = found.speeds
    assert set(speed.seconds) == set(TIMED) and min(speed.seconds.values()) > 0


class Shown:
    """A process whose operations all return the same."""

    def __init__(self, number: float):
        self._number = number

    def run(self, operation: str) -> np.ndarray:
        return np.full((2, 2), self._number)


@pytest.mark.parametrize("number", [0.5, np.nan])
def test_systems_that_differ_are_not_timed(number) -> None:
    with pytest.raises(FitRankError, match="compute different things"):
        tower_benchmark._check([Shown(0.1), Shown(number), Shown(0.1)])


def test_systems_that_agree() -> None:
    agreement = tower_benchmark._check([Shown(0.1), Shown(0.1004), Shown(0.1)])
    assert agreement.embeddings == pytest.approx(4e-4)
    assert agreement.loss == pytest.approx(4e-4)


def test_the_error_of_a_process_that_ends_quotes_its_log(tmp_path) -> None:
    process = BenchmarkProcess("theirs", "fitrank_tf.no_such_module", tmp_path, {})
    with pytest.raises(FitRankError, match=r"theirs: .* status 1 \(.*No module named"):
        process.run(TRAIN)
    process.close()
