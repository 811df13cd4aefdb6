"""The command lines of the commands, for their help and for messages."""

import argparse
import sys
from pathlib import Path
from typing import Any


def command_line(command: str) -> str:
    """The command line of a command: `fitrank X`, or `python -m pipelines.X`.

    Args:
        command: name as `fitrank --help` lists it, e.g. "extract-features".

    Returns:
        The form that this process was called in.
    """
    if Path(sys.argv[0]).parent.name == "pipelines":
        return f"python -m pipelines.{command.replace('-', '_')}"
    return f"fitrank {command}"


def command_parser(
    command: str, description: str | None, **options: Any
) -> argparse.ArgumentParser:
    """A parser of a command's options, whose help keeps the lines of the description.

    Args:
        command: as in `command_line`.
        description: what the command does.
        **options: of `argparse.ArgumentParser`.
    """
    return argparse.ArgumentParser(
        prog=command_line(command),
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **options,
    )
