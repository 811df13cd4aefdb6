"""Reads the first sheet with rows of an Excel or OpenDocument workbook."""

import io
from typing import Any

from fitrank_tf.core.errors import FitRankError, first_line
from fitrank_tf.core.packages import imports_of
from fitrank_tf.datasets.tables.table import RawRow

EXTRA = "excel"


def read_excel(data: bytes, path: str) -> tuple[tuple[str, ...], list[RawRow], str]:
    """The header, the rows and the name of the sheet.

    The header is the first row that is not empty.

    Args:
        data: the file's bytes: xlsx, xls, xlsb or ods.
        path: name of the file in messages.

    Raises:
        FitRankError: if the extra `excel` is missing, or the file cannot be read.
    """
    # calamine reads all four kinds in one small wheel, and ten times as fast as openpyxl,
    # which reads xlsx alone.
    with imports_of(EXTRA):
        import python_calamine
    try:
        workbook = python_calamine.load_workbook(io.BytesIO(data))
        for name in workbook.sheet_names:
            sheet = workbook.get_sheet_by_name(name)
            start = sheet.start[0] if sheet.start else 0
            rows = [
                (line, row)
                for line, row in enumerate(sheet.to_python(skip_empty_area=True), start + 1)
                if any(_is_given(cell) for cell in row)
            ]
            if rows:
                (_, header), *others = rows
                names = tuple(str(cell) for cell in header)
                return names, [RawRow(line, row) for line, row in others], name
    # Damaged files lead calamine's readers to errors of many kinds, panics among them.
    except Exception as error:
        raise FitRankError(
            f"{path}: cannot be read as an Excel file ({first_line(error)}); save it again"
        ) from error
    raise FitRankError(f"{path}: the workbook is empty; it needs a header and rows")


def _is_given(cell: Any) -> bool:
    return cell is not None and bool(str(cell).strip())
