"""`grades.csv`: which product each number on a sheet stands for, and its grade.

    sheet,number,query_id,product_id,grade,request,want
    q012_1,1,q012,10051,2,red shirt,a shirt that is mostly red
    q012_1,2,q012,20340,,red shirt,a shirt that is mostly red

`grade` is empty until a person fills it in.
"""

import csv
import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.files import write_atomically
from fitrank_tf.core.lines import line_error
from fitrank_tf.datasets.tables.encoding import decode
from fitrank_tf.evaluation.trec import Request

GRADES_FILE = "grades.csv"
# Not relevant, hardly, useful, exact.
GRADES: tuple[str, ...] = ("0", "1", "2", "3")
_KNOWN_GRADES = f"{', '.join(GRADES[:-1])} or {GRADES[-1]}"


@dataclasses.dataclass(frozen=True)
class ShownProduct:
    """A numbered photo of a sheet.

    Attributes:
        sheet: the sheet's name, `<query id>_<number>`.
        number: under the photo, from 1 on each sheet.
        query_id: of the request on top of the sheet.
        product_id: of the photo.
        grade: 0 to 3, None until one is filled in.
        request: the request.
    """

    sheet: str
    number: int
    query_id: str
    product_id: str
    grade: int | None
    request: Request

    @property
    def key(self) -> tuple[str, str]:
        """(query id, product id)."""
        return self.query_id, self.product_id


_COLUMNS = ("sheet", "number", "query_id", "product_id", "grade", "request", "want")


def write_shown(path: Path, shown: Iterable[ShownProduct]) -> None:
    """Writes a `grades.csv`.

    Raises:
        FitRankError: if the path cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for each in shown:
        grade = "" if each.grade is None else each.grade
        place = (each.sheet, each.number, *each.key)
        writer.writerow([*place, grade, each.request.text, each.request.want])
    write_atomically(path, text.getvalue().encode("utf-8"))


def read_shown(path: Path) -> dict[int, ShownProduct]:
    """Reads a `grades.csv`, also as a spreadsheet saves it; its rows in any order.

    Returns:
        {line of the file: product}.

    Raises:
        FitRankError: if the file cannot be read, a row is wrong or lost, or a number or
            a product of a query comes twice.
    """
    try:
        text, _ = decode(path.read_bytes(), str(path))
    except OSError as error:
        raise FitRankError(
            f"cannot read {path}: {error.strerror}; give a folder with sheets"
        ) from error
    # Spreadsheets of some countries put semicolons between cells.
    delimiter = text[len(_COLUMNS[0]) :][:1].strip() or ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    if next(reader, None) != list(_COLUMNS):
        raise line_error(
            path, 1, "other columns", f"the first line must be {','.join(_COLUMNS)}"
        )
    shown: dict[int, ShownProduct] = {}
    for cells in reader:
        if any(cells):
            shown[reader.line_num] = _product(path, reader.line_num, cells)
    _check_unique(path, shown)
    for sheet, products in by_sheet(shown.values()).items():
        for number, product in enumerate(products, start=1):
            if product.number != number:
                raise FitRankError(
                    f"{path}: sheet {sheet} has no number {number}; draw again into "
                    "another folder to see the row that is lost, and put it back"
                )
    return shown


def by_sheet(shown: Iterable[ShownProduct]) -> dict[str, list[ShownProduct]]:
    """{sheet: its products by number}, the sheets in the order they first come in."""
    sheets: dict[str, list[ShownProduct]] = {}
    for product in shown:
        sheets.setdefault(product.sheet, []).append(product)
    for products in sheets.values():
        products.sort(key=lambda product: product.number)
    return sheets


def grade_of(path: Path, line: int, place: str, text: str) -> int:
    """A grade as it was typed.

    Args:
        path: of the file, for the message.
        line: of the file.
        place: what is graded, for the message.
        text: what was typed.

    Raises:
        FitRankError: if it is not one of `GRADES`.
    """
    if text not in GRADES:
        raise line_error(
            path, line, f"grade {text!r} of {place} is not {_KNOWN_GRADES}", "correct it"
        )
    return int(text)


def extend(
    shown: Sequence[ShownProduct],
    requests: Mapping[str, Request],
    pools: Mapping[str, Sequence[str]],
    per_sheet: int,
) -> list[ShownProduct]:
    """Adds the products of pools that no sheet shows yet, on sheets of their own.

    Args:
        shown: products of sheets that exist.
        requests: {query id: request}.
        pools: {query id: product ids in the order of their numbers}.
        per_sheet: photos of a sheet, at most.

    Returns:
        `shown` as they are, and after them the new ones, not graded.

    Raises:
        FitRankError: if a query id cannot be in a file name, or an older sheet shows
            another request.
    """
    old = {product.key for product in shown}
    texts = {product.query_id: product.request.text for product in shown}
    last: dict[str, int] = {}
    for product in shown:
        number = int(product.sheet.rpartition("_")[2])
        last[product.query_id] = max(number, last.get(product.query_id, 0))
    added = []
    for query_id, pool in pools.items():
        request = requests[query_id]
        if Path(query_id).name != query_id or "\\" in query_id:
            raise FitRankError(
                f"query id {query_id!r} cannot name a sheet's file; take out the slashes"
            )
        if texts.get(query_id, request.text) != request.text:
            raise FitRankError(
                f"query {query_id!r} is {request.text!r}, but the sheets that exist show "
                f"{texts[query_id]!r}; draw into another folder"
            )
        new = [item for item in pool if (query_id, item) not in old]
        for place, item in enumerate(new):
            sheet = last.get(query_id, 0) + 1 + place // per_sheet
            name, number = f"{query_id}_{sheet}", place % per_sheet + 1
            added.append(ShownProduct(name, number, query_id, item, None, request))
    return [*shown, *added]


def _product(path: Path, line: int, cells: Sequence[str]) -> ShownProduct:
    if len(cells) != len(_COLUMNS):
        raise line_error(path, line, f"{len(cells)} cells, not {len(_COLUMNS)}")
    sheet, number, query_id, product_id, grade, text, want = map(str.strip, cells)
    query, _, count = sheet.rpartition("_")
    if query != query_id or not (count.isdecimal() and number.isdecimal() and product_id):
        raise line_error(
            path,
            line,
            f"sheet {sheet!r}, number {number!r}, query {query_id!r}, product "
            f"{product_id!r} is no place of a sheet",
            "undo what was changed beside the grade",
        )
    given = grade_of(path, line, f"{sheet} number {number}", grade) if grade else None
    return ShownProduct(
        sheet, int(number), query_id, product_id, given, Request(text, want)
    )


def _check_unique(path: Path, shown: Mapping[int, ShownProduct]) -> None:
    seen: dict[tuple[str, object], int] = {}
    for line, product in shown.items():
        place = f"{product.sheet} number {product.number}"
        for key in ((product.sheet, product.number), product.key):
            if key in seen:
                raise line_error(
                    path, line, f"{place} is there already, in line {seen[key]}"
                )
            seen[key] = line
