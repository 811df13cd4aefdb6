"""`fitrank COMMAND` runs the command's module, as `python -m pipelines.COMMAND` does."""

import ast
import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import fitrank_tf
from fitrank_tf.cli import main as cli

REPOSITORY = Path(__file__).resolve().parents[2]
CLI = REPOSITORY / "fitrank_tf" / "cli"
# Files beside the commands.
SHARED = {"__init__", "command", "main"}


def _module(command: str) -> str:
    return command.replace("-", "_")


def test_every_module_with_a_main_is_a_command() -> None:
    folders = [folder for folder in CLI.iterdir() if folder.name != "options"]
    files = [*CLI.glob("*.py"), *(path for of in folders for path in of.glob("*.py"))]
    modules = {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for path in files
        if path.stem not in SHARED
    }
    assert modules == set(map(cli.module_of, cli.COMMANDS))


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_pipelines_run_the_same(command: str) -> None:
    spec = importlib.util.find_spec(f"pipelines.{_module(command)}")
    if spec.submodule_search_locations:
        spec = importlib.util.find_spec(f"pipelines.{_module(command)}.__main__")
    tree = ast.parse(Path(spec.origin).read_text())
    called = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert called == [f"run_named({command!r})"]


@pytest.mark.parametrize("command", cli.COMMANDS)
@pytest.mark.parametrize(
    "program",
    ["/bin/fitrank", "/shop/pipelines/any.py", "/shop/pipelines/a/__main__.py"],
)
def test_help_says_how_it_was_called(command, program, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", [program])
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    called = f"python -m pipelines.{_module(command)}"
    if program == "/bin/fitrank":
        called = f"fitrank {command}"
    assert capsys.readouterr().out.startswith(f"usage: {called} [-h]")


@pytest.mark.parametrize("typed", ["build-index", "build_index"])
def test_the_arguments_behind_the_command_are_its_own(typed, monkeypatch) -> None:
    given = []
    module = importlib.import_module("fitrank_tf.cli.build_index")
    monkeypatch.setattr(module, "main", given.append)
    cli.main([typed, "--version", "--bundle=x"])
    assert given == [["--version", "--bundle=x"]]


def _run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-X", "importtime", "-m", "fitrank_tf", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _said(run: subprocess.CompletedProcess) -> list[str]:
    lines = run.stderr.splitlines()
    return [line for line in lines if not line.startswith("import time:")]


@pytest.mark.parametrize(
    ("arguments", "status", "out", "error"),
    [
        (["--version"], 0, f"fitrank {fitrank_tf.__version__}", []),
        ([], 0, "usage: fitrank", []),
        (["--help"], 0, "extract-features", []),
        (["serach", "x"], 2, "", ["unknown command 'serach'; did you mean 'search'?"]),
    ],
)
def test_without_a_command_nothing_heavy_is_imported(arguments, status, out, error) -> None:
    run = _run(*arguments)
    assert run.returncode == status
    assert out in run.stdout and bool(out) == bool(run.stdout)
    assert len(_said(run)) == len(error)
    assert all(gist in line for gist, line in zip(error, _said(run)))
    imported = {line.split("|")[-1].strip() for line in run.stderr.splitlines()}
    assert "fitrank_tf.cli.main" in imported or "fitrank_tf.config" in imported
    assert not imported & {"tensorflow", "keras", "numpy", "fitrank_tf.cli.search"}


def test_an_error_of_a_commands_import_is_one_line(monkeypatch, capsys) -> None:
    """For example a missing package of an extra."""
    monkeypatch.delitem(sys.modules, "fitrank_tf.cli.train_detector", raising=False)
    monkeypatch.delitem(sys.modules, "fitrank_tf.evaluation.detector_report", raising=False)
    monkeypatch.delitem(sys.modules, "fitrank_tf.evaluation.detection", raising=False)
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(SystemExit) as ended:
        cli.main(["train-detector"])
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: pycocotools") and '"fitrank-tf[reports]"' in line
