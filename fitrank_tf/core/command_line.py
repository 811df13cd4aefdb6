"""How the commands are called, for their help and for messages that name one."""

import sys
from pathlib import Path


def command_line(command: str) -> str:
    """What to type for a command: `fitrank X`, or as this process was called.

    Args:
        command: as `fitrank --help` lists it, e.g. "extract-features".
    """
    if Path(sys.argv[0]).parent.name == "pipelines":
        return f"python -m pipelines.{command.replace('-', '_')}"
    return f"fitrank {command}"
