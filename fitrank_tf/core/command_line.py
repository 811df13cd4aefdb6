"""The command lines of the commands, for their help and for messages."""

import sys
from pathlib import Path


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
