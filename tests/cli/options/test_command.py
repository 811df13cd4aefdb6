"""Errors of commands: one line for a user's error, a traceback for a bug."""

import argparse
import subprocess
import sys

import pytest

from fitrank_tf.cli.options.catalogue import add_catalogue_arguments, catalogue_source
from fitrank_tf.cli.options.command import run_command
from fitrank_tf.core.errors import FitRankError


def _raises(error: BaseException):
    def main(arguments) -> None:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (FitRankError("the file is missing; give it"), 2, "error: the file is missing"),
        (KeyboardInterrupt(), 130, "interrupted; finished stages are kept"),
        (
            PermissionError(13, "Permission denied", "ro/x"),
            2,
            "error: ro/x: Permission den",
        ),
        (
            NotADirectoryError(20, "Not a directory", "a/b"),
            2,
            "error: a/b: Not a directory",
        ),
        (OSError(28, "No space left on device"), 2, "error: No space left on device; "),
    ],
)
def test_a_users_error_is_one_line_and_a_status(error, status, line, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(_raises(error))
    assert ended.value.code == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert printed.err.startswith(line)


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("a bug"), FileNotFoundError(2, "No such file", "x")]
)
def test_a_bug_keeps_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)):
        run_command(_raises(error))


_LOGS = """
import logging
from fitrank_tf.cli.options.command import run_command
# TensorFlow has a handler of its own where it was imported before.
logging.getLogger("tensorflow").addHandler(logging.StreamHandler())
def main(arguments):
    print("the result")
    for name in ("fitrank_tf.training", "tensorflow", "absl", "apache_beam"):
        logging.getLogger(name).info("a note of %s", name)
        logging.getLogger(name).warning("a warning of %s", name)
run_command(main)
"""


def test_the_log_has_our_notes_and_others_warnings_once() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _LOGS], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "the result\n"
    assert [line.split(" ", 1)[1] for line in ended.stderr.splitlines()] == [
        "a note of fitrank_tf.training",
        "a warning of fitrank_tf.training",
        "a warning of tensorflow",
        "a warning of apache_beam",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(
            ["pipelines.train", "--dataset=fashion", "--output_dir={out}"],
            marks=pytest.mark.slow,
        ),
        pytest.param(["pipelines.evaluate", "--bundle={out}"], marks=pytest.mark.slow),
        ["pipelines.search", "--bundle={out}", "red shirt"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_end_with_status_2_one_line_and_nothing_written(
    arguments, tmp_path
) -> None:
    out = tmp_path / "bundle"
    command = [sys.executable, "-m", *(part.format(out=out) for part in arguments)]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def _source(*arguments: str):
    parser = argparse.ArgumentParser()
    add_catalogue_arguments(parser)
    return catalogue_source(parser.parse_args(arguments))


def test_columns_are_field_and_column_pairs() -> None:
    source = _source("--dataset=csv_catalogue", "--columns=id=sku,text=product name")
    assert source.columns == (("id", "sku"), ("text", "product name"))


def test_how_a_table_is_read_may_be_said() -> None:
    source = _source("--encoding=cp1254", "--delimiter=;", "--separator=|")
    assert (source.encoding, source.delimiter, source.separator) == ("cp1254", ";", "|")


@pytest.mark.parametrize("columns", ["id", "id=", "=sku", "id=sku,text"])
def test_malformed_columns_are_named(columns: str) -> None:
    with pytest.raises(FitRankError, match="write it as field=column"):
        _source("--dataset=csv_catalogue", f"--columns={columns}")


@pytest.mark.parametrize(
    ("options", "dataset"),
    [
        ("", "synthetic_catalogue"),
        ("--table p.csv --images photos", "csv_catalogue"),
        ("--table p.csv", "csv_catalogue"),
        ("--images photos", "photo_folder"),
        ("--dataset csv_catalogue --table p.csv", "csv_catalogue"),
        ("--dataset synthetic_catalogue/cuts", "synthetic_catalogue/cuts"),
        ("--dataset modanet --manual_dir data", "modanet"),
    ],
)
def test_files_that_are_named_are_read(options: str, dataset: str) -> None:
    assert catalogue_source(_catalogue_options(options)).dataset == dataset


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("--dataset photo_folder --table p.csv", "--table p.csv: --dataset photo_folder"),
        ("--dataset modanet --images photos", "--images photos: --dataset modanet"),
        ("--manual_dir data", "--manual_dir data: synthetic_catalogue does not read it"),
        ("--table p.csv --manual_dir data", "--manual_dir data: csv_catalogue does not"),
    ],
)
def test_files_that_would_not_be_read_are_named(options: str, line: str) -> None:
    with pytest.raises(FitRankError, match=line):
        catalogue_source(_catalogue_options(options))


def _catalogue_options(options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_catalogue_arguments(parser)
    return parser.parse_args(options.split())
