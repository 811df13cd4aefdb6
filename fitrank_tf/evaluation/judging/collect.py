"""Collects the grades that people filled in beside the sheets they looked at.

A folder of sheets has them in the column `grade` of its `grades.csv`, or in compact files
`grades*.txt` of any number of people: a line a sheet, its name and one digit a photo in
the order of the numbers, with blanks between digits or without.

    q012_1	003122 031200
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.lines import line_error, numbered_lines
from fitrank_tf.evaluation.judging.grades_file import (
    GRADES_FILE,
    ShownProduct,
    by_sheet,
    grade_of,
    read_shown,
)

COMPACT_FILES = "grades*.txt"

# (product with its grade, file and line of the grade).
_Graded = tuple[ShownProduct, str]


@dataclasses.dataclass(frozen=True)
class Judged:
    """What one person, or several who share the sheets, graded.

    Attributes:
        products: {(query id, product id): product}, of all sheets, graded or not.
    """

    products: Mapping[tuple[str, str], ShownProduct]

    def grades(self) -> dict[tuple[str, str], int]:
        """{(query id, product id): grade}, of those that are graded."""
        return {
            key: product.grade
            for key, product in self.products.items()
            if product.grade is not None
        }

    def qrels(self) -> dict[str, dict[str, int]]:
        """{query id: {product id: grade}}."""
        qrels: dict[str, dict[str, int]] = {}
        for (query_id, product_id), grade in self.grades().items():
            qrels.setdefault(query_id, {})[product_id] = grade
        return qrels

    def queries(self) -> dict[str, str]:
        """{query id: request}, of those with a grade."""
        return {
            product.query_id: product.request.text
            for product in self.products.values()
            if product.grade is not None
        }


def collect(folders: Sequence[Path]) -> Judged:
    """The grades of folders of sheets.

    Raises:
        FitRankError: naming file and line, if a grade is wrong, is for no photo of the
            folder, or differs from another for the same product; or if there is none.
    """
    products: dict[tuple[str, str], ShownProduct] = {}
    places: dict[tuple[str, str], str] = {}
    texts: dict[str, str] = {}
    for folder in folders:
        for product, place in _of_folder(folder):
            text = texts.setdefault(product.query_id, product.request.text)
            if text != product.request.text:
                raise FitRankError(
                    f"{place}: query {product.query_id!r} is {product.request.text!r}, "
                    f"elsewhere {text!r}; collect these folders one by one"
                )
            _add(products, places, product, place)
    return _not_empty(products, folders)


def collect_second(path: Path, first: Sequence[Path]) -> Judged:
    """The grades of a second person.

    Args:
        path: a folder of sheets, a copy of `grades.csv`, or a compact file about the
            sheets of `first`.
        first: folders of the first person's sheets; one, for a compact file.

    Raises:
        FitRankError: as `collect`.
    """
    if path.is_dir():
        return collect([path])
    if path.suffix.lower() == ".csv":
        graded = _of_table(path)
    elif len(first) == 1:
        folder = first[0]
        shown = read_shown(folder / GRADES_FILE)
        graded = _of_compact(path, by_sheet(shown.values()), folder / GRADES_FILE)
    else:
        raise FitRankError(
            f"{path}: cannot be told which of {len(first)} folders its sheets are in; put "
            f"it into a copy of its folder as grades.txt, beside an empty {GRADES_FILE}"
        )
    products: dict[tuple[str, str], ShownProduct] = {}
    places: dict[tuple[str, str], str] = {}
    for product, place in graded:
        _add(products, places, product, place)
    return _not_empty(products, [path])


def _of_folder(folder: Path) -> Iterator[_Graded]:
    table = folder / GRADES_FILE
    shown = list(_of_table(table))
    yield from shown
    sheets = by_sheet(product for product, _ in shown)
    for path in sorted(folder.glob(COMPACT_FILES)):
        yield from _of_compact(path, sheets, table)


def _of_table(path: Path) -> Iterator[_Graded]:
    for line, product in read_shown(path).items():
        yield product, f"{path}, line {line}"


def _of_compact(
    path: Path, sheets: Mapping[str, Sequence[ShownProduct]], table: Path
) -> Iterator[_Graded]:
    for line, text in numbered_lines(path):
        sheet, *groups = text.split()
        digits = "".join(groups)
        if sheet not in sheets:
            raise line_error(
                path, line, f"{table} has no sheet {sheet!r}", "correct the name"
            )
        if len(digits) != len(sheets[sheet]):
            raise line_error(
                path,
                line,
                f"{len(digits)} grades for the {len(sheets[sheet])} photos of {sheet}",
                "write one digit a photo, in the order of the numbers",
            )
        for product, digit in zip(sheets[sheet], digits):
            grade = grade_of(path, line, f"{sheet} number {product.number}", digit)
            yield dataclasses.replace(product, grade=grade), f"{path}, line {line}"


def _add(
    products: dict[tuple[str, str], ShownProduct],
    places: dict[tuple[str, str], str],
    product: ShownProduct,
    place: str,
) -> None:
    """Adds a product, unless it has no grade and is there already."""
    before = products.setdefault(product.key, product)
    if product.grade is None or before is product:
        places.setdefault(product.key, place)
        return
    if before.grade is not None and before.grade != product.grade:
        raise FitRankError(
            f"{place}: {product.sheet} number {product.number} has grade {product.grade}, "
            f"but {before.grade} in {places[product.key]}; keep one of them, or give a "
            "second person's grades with --second"
        )
    products[product.key], places[product.key] = product, place


def _not_empty(
    products: Mapping[tuple[str, str], ShownProduct], paths: Iterable[Path]
) -> Judged:
    judged = Judged(products)
    if not judged.grades():
        raise FitRankError(
            f"{', '.join(map(str, paths))}: no grade; fill in the column grade of "
            f"{GRADES_FILE}, or write lines of a sheet's name and its grades into "
            f"{COMPACT_FILES.replace('*', '')}"
        )
    return judged
