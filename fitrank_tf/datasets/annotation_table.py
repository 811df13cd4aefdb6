"""Reads DeepFashion's annotation files, tables whose columns are padded with blanks."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from fitrank_tf.core.lines import line_error, numbered_lines

logger = logging.getLogger(__name__)

# Numbers with more digits are counts of nothing.
_MOST_DIGITS = 18
_FETCH = "unpack the file again"
_FETCH_ALL = "unpack it and the files of names beside it again"
# What rows begin with, and the names of columns do not.
_ROW_BEGINS = ("img/", "id_")


class AnnotationLine(NamedTuple):
    """A line of an annotation file.

    Attributes:
        number: of the line, from 1.
        fields: what stands between blanks.
    """

    number: int
    fields: list[str]


def annotation_lines(path: Path, head: int = 2) -> Iterator[AnnotationLine]:
    """The lines of a file without its head and without blank lines.

    One line is in memory at a time: a file of attributes can have a gigabyte.

    Args:
        path: of the file.
        head: 2 if it begins with a line that says how many lines follow, and one with the
            names of the columns; 0 if it has none. A wrong number of lines is logged.

    Raises:
        FitRankError: if the file cannot be read, is empty or not UTF-8, or lacks its head.
    """
    lines = (AnnotationLine(number, line.split()) for number, line in numbered_lines(path))
    if not head:
        yield from lines
        return
    number, (said, *more) = next(lines)
    if more or not said.isdecimal():
        raise line_error(path, number, "not how many lines follow", _FETCH)
    number, names = next(lines, AnnotationLine(number, []))
    if names and (names[0].startswith(_ROW_BEGINS) or names[-1].isdecimal()):
        raise line_error(path, number, "not the names of the columns", _FETCH)
    count = 0
    for line in lines:
        count += 1
        yield line
    if len(said) > _MOST_DIGITS or int(said) != count:
        logger.warning("%s says that it has %s lines; it has %d", path, said[:20], count)


def table_rows(path: Path | None, columns: int, head: int = 2) -> Iterator[AnnotationLine]:
    """The lines that have as many columns as they should; logs how many don't.

    Args:
        path: of the table; without one there are no rows.
        columns: how many; the first is a photo, an item or a name.
        head: as of `annotation_lines`.

    Raises:
        FitRankError: as `annotation_lines`, and if most lines have another number: then
            the file by which columns are counted has lost a line, or is another's.
    """
    malformed, count = [], 0
    for line in annotation_lines(path, head) if path else ():
        if len(line.fields) == columns:
            count += 1
            yield line
        else:
            malformed.append(line.number)
    if path and len(malformed) > count:
        problem = f"not {columns} columns, nor have {len(malformed) - 1:,} other lines"
        raise line_error(path, malformed[0], problem, _FETCH_ALL)
    log_left_out(path, malformed, f"without {columns} columns")


def named_lines(path: Path | None) -> list[str]:
    """The lines of a file of names, which may have blanks; none without a file."""
    return [" ".join(line.fields) for line in annotation_lines(path)] if path else []


def log_left_out(path: Path | None, lines: list[int], why: str) -> None:
    """Logs how many lines of a file are left out, if any are.

    Args:
        path: of the file.
        lines: numbers of the lines.
        why: what is wrong with them, such as "without 5 columns".
    """
    if lines:
        logger.warning(
            "%s: %d lines %s are left out, the first in line %d",
            path,
            len(lines),
            why,
            lines[0],
        )
