"""The options of commands that keep finished stages."""

import argparse
from pathlib import Path

from fitrank_tf.training.work_dir import WorkDir


def add_work_arguments(parser: argparse.ArgumentParser) -> None:
    """The option that says where finished stages are kept."""
    parser.add_argument(
        "--work_dir", default="", help="finished stages; OUTPUT_DIR.work if empty"
    )


def work_dir_of(options: argparse.Namespace, fresh: bool = False) -> WorkDir:
    """The work directory that `--work_dir`, or else `--output_dir`, names."""
    return WorkDir(Path(options.work_dir or f"{Path(options.output_dir)}.work"), fresh)
