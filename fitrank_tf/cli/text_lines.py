"""Reads text files that a command's options name."""

from pathlib import Path

from fitrank_tf.core.errors import FitRankError


def read_lines(option: str, path: str) -> list[str]:
    """The non-empty lines of a file, stripped of surrounding blanks.

    Args:
        option: the option that names the file, for the message.
        path: path of a UTF-8 file.

    Raises:
        FitRankError: if the file cannot be read.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FitRankError(f"{option} {path}: cannot be read ({error})") from error
    return [line.strip() for line in lines if line.strip()]
