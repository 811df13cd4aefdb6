"""What commands print: results on stdout, their own log on stderr, no noise."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.small_chain import SMALL

RESULTS = (
    r"\d+ queries of test products against \d+ products never trained on",
    r"\|.*\|",
    r"Check \(all queries of one system together\): ir_measures .*",
    r"(contact sheet|what moved|runs, qrels|SavedModel)  .*",
    r"the job took \d+ s",
)
NOISE = (
    "UserWarning",
    "WARNING:",
    "INFO:",
    "Assets written",
    "non-serializable",
    "backend",
    "shuffle",
    "oneDNN",
    "cuInit",
    "Epoch 1/",
    "step - loss",
    "it/s",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("quiet")


@pytest.fixture(scope="module")
def training(folder: Path) -> subprocess.CompletedProcess:
    """The whole command, with the shipped detector, not on a terminal."""
    options = [f"--set={assignment}" for assignment in SMALL]
    return _run(folder, "train", "--num_items=160", *options)


def _run(folder: Path, command: str, *arguments: str) -> subprocess.CompletedProcess:
    # The tests' own settings are not a user's.
    settings = {name: os.environ[name] for name in os.environ if name[:3] != "TF_"}
    where = "--output_dir" if command == "train" else "--bundle"
    return subprocess.run(
        [sys.executable, "-m", f"pipelines.{command}", f"{where}={folder / 'bundle'}"]
        + [*arguments],
        env={**settings, "FITRANK_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_stdout_holds_the_result_alone(training) -> None:
    lines = [line for line in training.stdout.splitlines() if line]
    for pattern in RESULTS:
        assert [line for line in lines if re.fullmatch(pattern, line)], pattern
    anything = "|".join(f"(?:{pattern})" for pattern in RESULTS)
    assert [line for line in lines if not re.fullmatch(anything, line)] == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_stderr_holds_our_log_alone(training) -> None:
    lines = training.stderr.splitlines()
    assert [line for line in lines if any(noise in line for noise in NOISE)] == []
    assert [line for line in lines if not re.match(r"\d\d:\d\d:\d\d \S", line)] == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_stderr_names_each_stage_and_model_once(training) -> None:
    said = re.findall(r"^.{9}=== (\w+) ===$", training.stderr, re.MULTILINE)
    assert set(said) >= {"base", "features", "lora", "facet_heads", "reranker"}
    exported = re.findall(r"^.{9}exported (\w+), version 1$", training.stderr, re.MULTILINE)
    assert len(exported) == len(set(exported)) >= 8
    epochs = re.findall(r"epoch 1 of 1: loss \S+", training.stderr)
    # Of the base towers, of the fine-tuned ones, and of the re-ranker.
    assert len(epochs) == 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_search_prints_its_hits_alone(folder: Path, training) -> None:
    found = _run(folder, "search", "--top_k=2", "--explain", "red shirt")
    assert found.stderr == ""
    assert re.fullmatch(r"red shirt\nunderstood: .*\n( +\d .*\n){2}", found.stdout)
