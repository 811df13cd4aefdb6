"""The table of *Fashion Product Images*, `styles.csv`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.attributes import read_declaration
from fitrank_tf.datasets.csv_text import read_csv, without_surplus

ID_COLUMN, TITLE_COLUMN = "id", "productDisplayName"

# Pattern, sleeve and neckline are attributes without a column: the data set lacks them, and
# training fills them from the photos.
DECLARATION = read_declaration(Path(__file__).with_name("attributes.json"))

_NOT_GIVEN = ("na", "nan")


def read_styles(data: bytes, path: str) -> Iterator[dict[str, str]]:
    """The products of a `styles.csv` as {column: cell}, "" for a cell "NA" or "nan".

    About 20 titles of Kaggle's file contain commas without quotes around the title. The
    surplus cells of such a row belong to its title.

    Args:
        data: the file's bytes.
        path: name of the file in messages.

    Raises:
        FitRankError: if the file is not such a table.
    """
    rows = read_csv(data, path)
    header = [name.strip() for name in next(rows)]
    for column in (ID_COLUMN, TITLE_COLUMN):
        if column not in header:
            raise FitRankError(
                f"{path}: no column {column!r} (it has: {', '.join(header)}); "
                "take styles.csv as it is in Kaggle's archive"
            )
    return (_product(row, header) for row in rows)


def _product(row: Sequence[str], header: Sequence[str]) -> dict[str, str]:
    cells = _with_whole_title(without_surplus(row, len(header)), header)
    product = dict(zip(header, cells))
    return {
        column: cell if column == ID_COLUMN else _given(cell)
        for column, cell in product.items()
    }


def _with_whole_title(cells: list[str], header: Sequence[str]) -> list[str]:
    surplus = len(cells) - len(header)
    start = header.index(TITLE_COLUMN)
    end = start + surplus + 1
    return [*cells[:start], ",".join(cells[start:end]), *cells[end:]]


def _given(cell: str) -> str:
    cell = cell.strip()
    return "" if cell.casefold() in _NOT_GIVEN else cell
