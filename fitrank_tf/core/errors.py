"""The one error that a user of the library is meant to read."""


class FitRankError(Exception):
    """Bad input, named, with the mend.

    The message says in one line which file, row, field or option is wrong and
    what to do about it. The commands and `serving/` print it
    without a traceback and exit with status 2; any other exception is a bug.
    """


def first_line(error: Exception) -> str:
    """What another library's exception says, for a message of one line."""
    return next(iter(str(error).strip().splitlines()), repr(error))
