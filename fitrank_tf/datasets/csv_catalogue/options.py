"""Options of `csv_catalogue`: table, images, columns."""

import dataclasses
from collections.abc import Mapping

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.item import ATTRIBUTES

ID, TEXT, IMAGE = "id", "text", "image"
REQUIRED_FIELDS: tuple[str, ...] = (ID, TEXT)
FIELDS: tuple[str, ...] = (ID, TEXT, IMAGE, *ATTRIBUTES)


@dataclasses.dataclass(frozen=True)
class CsvCatalogueOptions:
    """Where a user's catalogue is, and which columns hold which fields.

    Attributes:
        table: path of a CSV, JSON Lines, Parquet, Arrow or Excel file.
        images: the folder of photos; "" is the folder of the table.
        columns: (field, column) pairs, the field one of `FIELDS`, each at most once. Other
            fields are read from the column of the same name, if there is one. The table
            must have columns for `id` and `text`, and every column of `columns`.
        encoding: Python's name of a text file's encoding, "" to find it out.
        delimiter: the character between the cells of a text file, "" to find it out.
        separator: what stands between several values of an attribute in one cell; "" for
            one value a cell.

    Raises:
        FitRankError: without a table; for a field that is unknown or named twice.
    """

    table: str
    images: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    encoding: str = ""
    delimiter: str = ""
    separator: str = ""

    def __post_init__(self) -> None:
        if not self.table:
            raise FitRankError(
                "--table is not given; name the catalogue's CSV, JSON Lines, Parquet, "
                "Arrow or Excel file"
            )
        named = [field for field, _ in self.columns]
        for field in named:
            if field not in FIELDS:
                raise FitRankError(
                    f"--columns: {field!r} is not a field; choose from {', '.join(FIELDS)}"
                )
            if named.count(field) > 1:
                raise FitRankError(f"--columns: {field!r} is named twice; name it once")

    def reading(self) -> tuple[str, str, str]:
        """What a reading depends on beside the columns."""
        return self.encoding, self.delimiter, self.separator

    def column_of(self) -> Mapping[str, str]:
        """{field: column that it is read from}, for all of `FIELDS`."""
        return {field: field for field in FIELDS} | dict(self.columns)

    def must_have(self) -> tuple[str, ...]:
        """The fields whose column must be in the table."""
        return tuple(
            dict.fromkeys([*REQUIRED_FIELDS, *(field for field, _ in self.columns)])
        )
