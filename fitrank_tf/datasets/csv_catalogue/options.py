"""Options of `csv_catalogue`: which table, which images, which columns."""

import dataclasses
from collections.abc import Mapping

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.item import ATTRIBUTES

ID, TEXT, IMAGE = "id", "text", "image"
REQUIRED_FIELDS: tuple[str, ...] = (ID, TEXT)
FIELDS: tuple[str, ...] = (ID, TEXT, IMAGE, *ATTRIBUTES)


@dataclasses.dataclass(frozen=True)
class CsvCatalogueOptions:
    """What a user says of a catalogue of their own.

    Attributes:
        table: path of a CSV or Parquet file.
        images: the folder of photos; "" is the table's own folder.
        columns: (field, column) pairs, the field one of `FIELDS`, each named once. A field
            that is not named is read from the column of its own name, if there is one; a
            table has to have `id` and `text`, and every column that is named.

    Raises:
        FitRankError: without a table; for a field that is unknown or named twice.
    """

    table: str
    images: str = ""
    columns: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.table:
            raise FitRankError(
                "--table is not given; name the catalogue's CSV or Parquet file"
            )
        named = [field for field, _ in self.columns]
        for field in named:
            if field not in FIELDS:
                raise FitRankError(
                    f"--columns: {field!r} is not a field; choose from {', '.join(FIELDS)}"
                )
            if named.count(field) > 1:
                raise FitRankError(f"--columns: {field!r} is named twice; name it once")

    def column_of(self) -> Mapping[str, str]:
        """Field -> the column it is read from, for all of `FIELDS`."""
        return {field: field for field in FIELDS} | dict(self.columns)

    def must_have(self) -> tuple[str, ...]:
        """The fields whose column the table has to have."""
        return tuple(
            dict.fromkeys([*REQUIRED_FIELDS, *(field for field, _ in self.columns)])
        )
