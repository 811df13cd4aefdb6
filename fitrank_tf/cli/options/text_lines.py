"""Reads text files that a command's options name."""

from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.tables.encoding import UNDECODED, decode


def read_lines(option: str, path: str) -> list[str]:
    """The non-empty lines of a file, stripped of surrounding blanks.

    Args:
        option: the option that names the file, for the message.
        path: path of a file in UTF-8 or another encoding that can be told.

    Raises:
        FitRankError: if the file cannot be read.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FitRankError(f"{option} {path}: cannot be read ({error})") from error
    text, _ = decode(data, f"{option} {path}")
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if UNDECODED.search(line):
            raise FitRankError(
                f"{option} {path}: line {number} cannot be decoded; save it as UTF-8"
            )
    return [line.strip() for line in lines if line.strip()]
