"""The exception for invalid input, which is meant for users of the library."""


class FitRankError(Exception):
    """Invalid input of a user.

    The message says in one line which file, row, field or option is wrong and how to
    correct it. The commands and `serving/` print it without a traceback and exit with
    status 2; any other exception is a bug.
    """


def first_line(error: Exception) -> str:
    """The first line of an exception's message, for a message of one line."""
    return next(iter(str(error).strip().splitlines()), repr(error))
