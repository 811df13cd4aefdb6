"""Reads the sheet with the products of an Excel or OpenDocument workbook."""

import io
import logging
from collections.abc import Sequence
from typing import Any

from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.core.packages import imports_of
from fitrank_tf.datasets.tables.header import FIRST_ROW, Header, warn_of_lines_above
from fitrank_tf.datasets.tables.table import RawRow

logger = logging.getLogger(__name__)

EXTRA = "excel"


# (line, cells).
_Rows = Sequence[tuple[int, Sequence[Any]]]


def read_excel(
    data: bytes, path: str, is_header: Header = FIRST_ROW
) -> tuple[tuple[str, ...], list[RawRow], str]:
    """The header, the rows and the name of the sheet.

    The header is the first row that `is_header` knows, of the first sheet with such a row;
    otherwise the first row that is not empty. Hidden sheets are read only if no other has
    rows.

    Args:
        data: the file's bytes: xlsx, xls, xlsb or ods.
        path: name of the file in messages.
        is_header: tells the header from rows and sheets before it.

    Raises:
        FitRankError: if the extra `excel` is missing, or the file cannot be read.
    """
    sheets = _sheets(data, path)
    if not sheets:
        raise FitRankError(f"{path}: the workbook is empty; it needs a header and rows")
    places = {
        name: is_header.row_of(row for _, row in rows) for name, rows in sheets.items()
    }
    name = next((name for name, place in places.items() if place is not None), None)
    name, place = (next(iter(sheets)), 0) if name is None else (name, places[name] or 0)
    above, rows = sheets[name][:place], sheets[name][place:]
    if above:
        warn_of_lines_above(path, above[0][0], above[-1][0])
    if others := [each for each in sheets if each != name]:
        logger.warning("%s: other sheets are not read: %s", path, ", ".join(others))
    (_, header), *rows = rows
    names = tuple("" if cell is None else str(cell) for cell in header)
    return names, [RawRow(line, row) for line, row in rows], name


def _sheets(data: bytes, path: str) -> dict[str, _Rows]:
    """{name: rows that are not empty} of the sheets that have some."""
    # calamine reads all four kinds in one small wheel, and ten times as fast as openpyxl,
    # which reads xlsx alone.
    with imports_of(EXTRA):
        import python_calamine
    shown: dict[str, _Rows] = {}
    hidden: dict[str, _Rows] = {}
    try:
        workbook = python_calamine.load_workbook(io.BytesIO(data))
        for sheet_of in workbook.sheets_metadata:
            if sheet_of.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue  # a chart or a macro
            sheet = workbook.get_sheet_by_name(sheet_of.name)
            start = sheet.start[0] if sheet.start else 0
            rows = [
                (line, row)
                for line, row in enumerate(sheet.to_python(skip_empty_area=True), start + 1)
                if any(_is_given(cell) for cell in row)
            ]
            is_shown = sheet_of.visible == python_calamine.SheetVisibleEnum.Visible
            if rows:
                (shown if is_shown else hidden)[sheet_of.name] = rows
    # Damaged files lead calamine's readers to errors of many kinds, panics among them.
    except Exception as error:
        raise FitRankError(
            f"{path}: cannot be read as an Excel file ({first_line(error)}); save it again"
        ) from error
    return shown or hidden


def _is_given(cell: Any) -> bool:
    return cell is not None and bool(str(cell).strip())
