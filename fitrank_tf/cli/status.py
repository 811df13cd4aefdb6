"""How a command ends: with its result, or with one line and a status."""

import sys
from collections.abc import Callable, Sequence

from fitrank_tf.core.errors import FitRankError

USER_ERROR = 2
_INTERRUPTED = 130


def exit_with_status(
    main: Callable[[Sequence[str] | None], None], arguments: Sequence[str] | None = None
) -> None:
    """Runs a command's `main` and exits with its status.

    A `FitRankError` is printed as one line; any other exception is a bug and keeps its
    traceback.

    Args:
        main: function of the command line's arguments.
        arguments: of the command line; None takes those of the process.
    """
    try:
        main(arguments)
    except FitRankError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(USER_ERROR)
    except KeyboardInterrupt:
        print("interrupted; finished stages are kept, run again to resume", file=sys.stderr)
        sys.exit(_INTERRUPTED)
