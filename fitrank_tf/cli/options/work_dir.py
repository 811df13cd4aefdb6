"""The option `--work_dir` of commands that keep finished stages."""

import argparse
from pathlib import Path

from fitrank_tf.training.work_dir import WorkDir


def add_work_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the option `--work_dir` to a parser."""
    parser.add_argument(
        "--work_dir", default="", help="finished stages; OUTPUT_DIR.work if empty"
    )


def work_dir_of(options: argparse.Namespace, fresh: bool = False) -> WorkDir:
    """The work directory that `--work_dir`, or else `--output_dir`, names.

    Args:
        options: parsed, with both options.
        fresh: whether finished stages of earlier runs are ignored.
    """
    return WorkDir(Path(options.work_dir or f"{Path(options.output_dir)}.work"), fresh)
