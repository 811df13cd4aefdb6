"""Options of `csv_catalogue`: table, images, columns."""

import dataclasses

from fitrank_tf.core.errors import FitRankError

ID, TEXT, IMAGE = "id", "text", "image"
REQUIRED_FIELDS: tuple[str, ...] = (ID, TEXT)
FIELDS: tuple[str, ...] = (ID, TEXT, IMAGE)


@dataclasses.dataclass(frozen=True)
class CsvCatalogueOptions:
    """Where a user's catalogue is, and which columns hold which fields.

    Attributes:
        table: path of a CSV, JSON Lines, Parquet, Arrow or Excel file.
        images: the folder of photos; "" is the folder of the table.
        columns: (field, column) pairs, the field one of `FIELDS` or the name that an
            attribute is to have, each at most once. Other fields are read from the column
            of the same name, if there is one. The table must have columns for `id` and
            `text`, and every column of `columns`.
        attributes: (column, kind) pairs, as in `attribute_kinds.declare`; with () every
            column that is no field is an attribute.
        encoding: Python's name of a text file's encoding, "" to find it out.
        delimiter: the character between the cells of a text file, "" to find it out.
        separator: what stands between several values of an attribute in one cell; "" for
            one value a cell.

    Raises:
        FitRankError: without a table; for a field or an attribute that is named twice.
    """

    table: str
    images: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    encoding: str = ""
    delimiter: str = ""
    separator: str = ""

    def __post_init__(self) -> None:
        if not self.table:
            raise FitRankError(
                "--table is not given; name the catalogue's CSV, JSON Lines, Parquet, "
                "Arrow or Excel file"
            )
        for option, pairs in (("columns", self.columns), ("attributes", self.attributes)):
            named = [name for name, _ in pairs]
            for name in named:
                if named.count(name) > 1:
                    raise FitRankError(f"--{option}: {name!r} is named twice; name it once")

    def reading(self) -> tuple[str, str, str]:
        """What a reading depends on beside the columns."""
        return self.encoding, self.delimiter, self.separator

    def must_have(self) -> tuple[str, ...]:
        """The fields whose column must be in the table."""
        return tuple(
            dict.fromkeys([*REQUIRED_FIELDS, *(field for field, _ in self.columns)])
        )
