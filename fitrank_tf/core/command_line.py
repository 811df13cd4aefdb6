"""The command lines of the commands: their help, their messages, and how they end."""

import argparse
import errno
import os
import select
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fitrank_tf.core.errors import FitRankError

USER_ERROR = 2
_INTERRUPTED = 130
_STANDARD_OUTPUT = 1
# Of a process that the signal of a closed pipe ends, as a shell says it.
_OUTPUT_CLOSED = 141
# What a user's machine refuses, wherever a command meets it.
_REFUSED = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG),
}


def command_line(command: str) -> str:
    """The command line of a command: `fitrank X`, or `python -m pipelines.X`.

    Args:
        command: name as `fitrank --help` lists it, e.g. "extract-features".

    Returns:
        The form that this process was called in.
    """
    # A command in a folder of its own runs its `__main__.py`.
    if "pipelines" in (parent.name for parent in list(Path(sys.argv[0]).parents)[:2]):
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


def exit_with_status(
    main: Callable[[Sequence[str] | None], None], arguments: Sequence[str] | None = None
) -> None:
    """Runs a command's `main` and exits with its status.

    A `FitRankError` is printed as one line, and so is what the machine refuses: a path that
    cannot be read or written, a full disk. A reader that closes the output early, as `head`
    does, ends the command quietly. Any other exception is a bug and keeps its traceback.

    Args:
        main: function of the command line's arguments.
        arguments: of the command line; None takes those of the process.
    """
    try:
        main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        if not _output_is_closed():
            raise
        sys.exit(_OUTPUT_CLOSED)
    except FitRankError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(USER_ERROR)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        where = f"{error.filename}: " if error.filename else ""
        mend = "choose another path, or change this one"
        print(f"error: {where}{error.strerror}; {mend}", file=sys.stderr)
        sys.exit(USER_ERROR)
    except KeyboardInterrupt:
        print("interrupted; finished stages are kept, run again to resume", file=sys.stderr)
        sys.exit(_INTERRUPTED)


def _output_is_closed() -> bool:
    """Whether nobody reads the output any more; nothing more is written to it then."""
    poll = select.poll()
    # An error is told without being asked for.
    poll.register(_STANDARD_OUTPUT, 0)
    if not poll.poll(0):
        return False
    # What is still buffered would be tried again when the interpreter ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STANDARD_OUTPUT)
    return True
