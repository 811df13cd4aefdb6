"""Reads CSV and TSV record by record, strict about quotes.

Python's `csv` is the reader: in strict mode it refuses every quote that does not match,
and it says how many lines a record took, so that one bad record can be left out with its
line number and reading goes on at the next line. pyarrow, polars and pandas end at such a
record or take the rows up to the next quote into its cell; DuckDB lists rejected rows, but
is 50 MB of which nothing else would be used.
"""

import csv
import html
import itertools
import re
from collections.abc import Iterator, Sequence

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.tables.header import (
    FIRST_ROW,
    MOST_LINES_ABOVE,
    Header,
    warn_of_lines_above,
)
from fitrank_tf.datasets.tables.table import RawRow

DELIMITERS: tuple[str, ...] = (",", ";", "\t", "|", "^", "~", "\x1f", ":")

UNMATCHED_QUOTES = "quotes that do not match"
MORE_CELLS = "row with more cells than columns"
HEADER_AGAIN = "header repeated"

# A lone carriage return ends lines only where nothing else does.
_LINE_END, _OLD_LINE_END = re.compile(r"\r*\n"), re.compile(r"\r")
_ENTITY_END = re.compile(r"&#?\w{2,30}$")
# A header whose cells are all in quotes other than ".
_SINGLE = re.compile(r"\s*'[^']*'(?:\s*[,;|\t]\s*'[^']*')+\s*")
_CURLY = re.compile(r"\s*[“„][^“”]*[“”](?:\s*[,;|\t]\s*[“„][^“”]*[“”])+\s*")
_SWAPPED = str.maketrans({"'": '"', '"': "'"})
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"'})
_SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
# A cell may hold line ends, but an unmatched quote must not be sought to the file's end
# again and again.
_MOST_LINES = 1000
_NUM_SAMPLED = 200


def read_delimited(
    text: str,
    path: str,
    delimiter: str = "",
    surplus: str = "",
    is_header: Header = FIRST_ROW,
) -> tuple[tuple[str, ...], list[RawRow], str]:
    """The header, the rows and the delimiter of a table.

    A first line `sep=;`, as Excel writes it, names the delimiter. A first column without a
    header of its own that counts the rows, as R writes it, has the name "".

    Args:
        text: the whole table.
        path: name of the file in messages.
        delimiter: the character between cells; "" finds it.
        surplus: the column that the surplus cells of a row belong to: its cells hold the
            delimiter without quotes. With "" such a row has the problem `MORE_CELLS`.
        is_header: tells the header from lines above it.

    Raises:
        FitRankError: if the text is empty, the header's quotes do not match, or the
            delimiter cannot be told apart.
    """
    lines = (_LINE_END if "\n" in text else _OLD_LINE_END).split(text)
    first = _first_given(lines, 0, path)
    said = _SEP_LINE.fullmatch(lines[first])
    if said:
        first = _first_given(lines, first + 1, path)
    header_at = _header_line(lines, first, delimiter, is_header)
    if header_at > first:
        warn_of_lines_above(path, first + 1, header_at)
    is_single = bool(_SINGLE.fullmatch(lines[header_at]))
    if is_single or _CURLY.fullmatch(lines[header_at]):
        straight = _SWAPPED if is_single else _STRAIGHT
        lines = [line.translate(straight) for line in lines]
    sampled = lines[header_at:]
    delimiter = delimiter or (said[1] if said else _delimiter(sampled, path))
    records = _records(lines, header_at, delimiter)
    header_row = next(records, None)
    if header_row is None:  # delimiters alone
        raise FitRankError(f"{path}: the file is empty; it needs a header and rows")
    if header_row.problem:
        raise FitRankError(
            f"{path}: line {header_row.line}: {header_row.problem}; mend the header"
        )
    others = list(records)
    header = _without_empty_end(header_row.cells)
    if _have_row_names(lines, others, len(header)):
        header = ["", *header]
    rows = [_fitted(row, header, delimiter, surplus) for row in others]
    if is_single:
        header = [name.translate(_SWAPPED) for name in header]
        rows = [_swapped(row) for row in rows]
    return tuple(header), rows, delimiter


def _first_given(lines: Sequence[str], start: int, path: str) -> int:
    """The place of the first line from `start` on that is not empty."""
    for place in range(start, len(lines)):
        if _is_given(lines[place]):
            return place
    raise FitRankError(f"{path}: the file is empty; it needs a header and rows")


def _is_given(text: str) -> bool:
    """Whether a text is more than blanks and the null characters that fill up files."""
    return bool(text.replace("\0", "").strip())


def _header_line(
    lines: Sequence[str], first: int, delimiter: str, is_header: Header
) -> int:
    """The place of the header's line; `first` where no line is known to be it."""
    if not is_header.groups:
        return first
    given = (at for at in range(first, len(lines)) if _is_given(lines[at]))
    full = list(itertools.islice(given, MOST_LINES_ABOVE + 1))
    for each in (delimiter,) if delimiter else DELIMITERS:
        cells = (_record(lines, at, each, 0)[0] or () for at in full)
        place = is_header.row_of([name.strip("'“”„ ") for name in row] for row in cells)
        if place is not None:
            return full[place]
    return first


def _have_row_names(lines: Sequence[str], rows: Sequence[RawRow], width: int) -> bool:
    """Whether all rows have a cell more than the header, and the first counts them.

    R quotes these numbers: without quotes they are ids, and the surplus cell is of a title.
    """
    good = [row for row in rows if not row.problem]
    return bool(good) and all(
        len(row.cells) == width + 1 and lines[row.line - 1].startswith(f'"{number}"')
        for number, row in enumerate(good, 1)
    )


def _swapped(row: RawRow) -> RawRow:
    return RawRow(row.line, [cell.translate(_SWAPPED) for cell in row.cells], row.problem)


def _records(lines: Sequence[str], start: int, delimiter: str) -> Iterator[RawRow]:
    """All records that are not empty; the line of one is that of its first cell."""
    width = 0
    while start < len(lines):
        if "\r" in lines[start] and (split := _split_again(lines[start], delimiter, width)):
            width = width or len(split[0])
            yield from (RawRow(start + 1, cells) for cells in split)
            start += 1
            continue
        cells, taken = _record(lines, start, delimiter, width)
        if cells is None:
            # Split without quotes, so that the row can be named by its first cells.
            plain = [cell.strip('"') for cell in lines[start].split(delimiter)]
            yield RawRow(start + 1, plain, UNMATCHED_QUOTES)
        elif any(map(_is_given, cells)):
            width = width or len(_without_empty_end(cells))
            yield RawRow(start + 1, cells)
        start += taken


def _split_again(line: str, delimiter: str, width: int) -> list[list[str]]:
    """The rows of a line between which stand the line ends of an old Mac.

    Files put together of two have both kinds. Elsewhere such a line end belongs to a cell:
    [] unless each part has as many cells as the header, or as the first part if that is
    the header.
    """
    parts = [part for part in _OLD_LINE_END.split(line) if part.strip()]
    records = [_record([part], 0, delimiter, width)[0] for part in parts]
    rows = [cells for cells in records if cells is not None]
    width = width or len(_without_empty_end(rows[0] if rows else [""]))
    fits = (len(row) >= width >= len(_without_empty_end(row)) for row in rows)
    return rows if len(rows) == len(parts) > 1 and width > 1 and all(fits) else []


def _record(
    lines: Sequence[str], start: int, delimiter: str, width: int
) -> tuple[list[str] | None, int]:
    """(cells, number of lines); cells is None for a record whose quotes do not match.

    `width` is the number of columns, 0 for the header.
    """
    line = lines[start]
    if '"' not in line:
        return line.split(delimiter), 1
    # Some databases write a quote in a cell as \" rather than as "".
    escapes = (None, "\\") if '\\"' in line else (None,)
    for escape in escapes:
        end = min(start + _MOST_LINES, len(lines))
        reader = csv.reader(
            (lines[number] + "\n" for number in range(start, end)),
            strict=True,
            delimiter=delimiter,
            # Only where a blank stands before a quote: elsewhere it belongs to the cell.
            skipinitialspace=f'{delimiter} "' in line,
            escapechar=escape,
            doublequote=escape is None,
        )
        try:
            cells = next(reader)
        except csv.Error:
            continue
        taken = reader.line_num
        inside = lines[start + 1 : start + taken]
        if taken == 1 or not _swallows_rows(inside, cells, delimiter, width):
            return _unwrapped(cells, delimiter, width), taken
    return None, 1


def _unwrapped(cells: list[str], delimiter: str, width: int) -> list[str]:
    """The cells of a row that was quoted as a whole, as Excel saves lines that it did not
    split: `"1163,""Red shirt"",Men"`."""
    if len(cells) > 1 or delimiter not in cells[0]:
        return cells
    inner, _ = _record(cells, 0, delimiter, width)
    return inner if inner and len(inner) == (width or len(inner)) else cells


def _swallows_rows(
    inside: Sequence[str], cells: Sequence[str], delimiter: str, width: int
) -> bool:
    """Whether later lines of a record are rows like the one that they are in.

    Then its quote had no end, and the one that closed it belongs to a later row. A row is
    like another if it has as many cells, and the cells before the quote are written with
    digits and letters at the same places. A record of more cells than columns is told by
    them.
    """
    if width and len(_without_empty_end(cells)) > width:
        return True
    before = next(n for n, cell in enumerate(cells) if "\n" in cell)
    forms = [_form(cell) for cell in cells[:before]]
    if not any("9" in form for form in forms):
        return False
    rows = (line.split(delimiter) for line in inside)
    return any(
        len(row) == len(cells) and [_form(cell) for cell in row[:before]] == forms
        for row in rows
    )


def _form(cell: str) -> str:
    """A cell with runs of digits as 9 and runs of letters as a."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell.strip()))


def _without_empty_end(cells: Sequence[str]) -> list[str]:
    kept = list(cells)
    while len(kept) > 1 and not kept[-1].strip():
        kept.pop()
    return kept


def _fitted(row: RawRow, header: Sequence[str], delimiter: str, surplus: str) -> RawRow:
    """A row with as many cells as columns; its problem says if it had others."""
    cells, width = list(row.cells), len(header)
    if delimiter == ";" and len(cells) > width:
        cells = _with_entities(cells)
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    problem = row.problem
    if not problem and [c.strip() for c in cells] == [name.strip() for name in header]:
        problem = HEADER_AGAIN
    if len(cells) > width and not problem:
        names = [name.strip() for name in header]
        if surplus in names:
            begin = names.index(surplus)
            end = begin + len(cells) - width + 1
            cells[begin:end] = [delimiter.join(cells[begin:end])]
        else:
            problem = MORE_CELLS
    return RawRow(row.line, [*cells[:width], *[""] * (width - len(cells))], problem)


def _with_entities(cells: Sequence[str]) -> list[str]:
    """Cells that were split after an entity, such as `&amp;`, joined again."""
    joined = [cells[0]]
    for cell in cells[1:]:
        entity = _ENTITY_END.search(joined[-1])
        if entity and html.unescape(entity[0] + ";") != entity[0] + ";":
            joined[-1] += f";{cell}"
        else:
            joined.append(cell)
    return joined


def _delimiter(lines: Sequence[str], path: str) -> str:
    """The delimiter with which most rows have as many cells as the header.

    Of several that fit equally well, the one that splits into the most columns.
    """
    fits = {each: _fit(lines, each) for each in DELIMITERS}
    best = max(fits.values())
    found = [each for each, fit in fits.items() if fit == best]
    if best[1] < 2:
        return DELIMITERS[0]  # one column: nothing to split
    if len(found) > 1:
        raise FitRankError(
            f"{path}: the cells may be split by {' or '.join(map(repr, found))}; name "
            "one with --delimiter"
        )
    return found[0]


def _fit(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    """(share of rows with as many cells as the header, number of columns)."""
    widths = []
    for row in _records(lines, 0, delimiter):
        widths.append(0 if row.problem else len(_without_empty_end(row.cells)))
        if len(widths) > _NUM_SAMPLED:
            break
    header, *rows = widths or [0]
    if header < 2:
        return -1.0, header
    # A row may lack its last cells.
    full = sum(width == header for width in rows)
    return full / max(1, len(rows)), header
