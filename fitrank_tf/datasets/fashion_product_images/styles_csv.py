"""The table of *Fashion Product Images*, `styles.csv`."""

from collections.abc import Iterator
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.attributes import read_declaration
from fitrank_tf.datasets.tables import Table, TableOptions, parse_table, shown_spellings

ID_COLUMN, TITLE_COLUMN = "id", "productDisplayName"

# Pattern, sleeve and neckline are attributes without a column: the data set lacks them, and
# training fills them from the photos.
DECLARATION = read_declaration(Path(__file__).with_name("attributes.json"))


def open_styles(data: bytes, path: str) -> Table:
    """The table of a `styles.csv`.

    About 20 titles of Kaggle's file contain commas without quotes around the title. The
    surplus cells of such a row belong to its title.

    Args:
        data: the file's bytes.
        path: name of the file in messages.

    Raises:
        FitRankError: if the file is not such a table.
    """
    table = parse_table(data, path, TableOptions(surplus=TITLE_COLUMN))
    for column in (ID_COLUMN, TITLE_COLUMN):
        if column not in table.header:
            raise FitRankError(
                f"{path}: no column {column!r} (it has: {', '.join(table.header)}); "
                "take styles.csv as it is in Kaggle's archive"
            )
    return table


def read_styles(table: Table) -> Iterator[dict[str, str]]:
    """The rows of `open_styles` as {column: cell}, "" where a value is missing."""
    columns = {}
    for name in table.header:
        cells = table.texts(name)
        is_attribute = name not in (ID_COLUMN, TITLE_COLUMN)
        shown = shown_spellings(cells) if is_attribute else {}
        columns[name] = [shown.get(cell, cell) for cell in cells]
    for product in zip(*columns.values()):
        yield dict(zip(columns, product))
