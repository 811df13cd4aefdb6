"""A user's table and photos as a `ProductSource`."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.attribute_kinds import declare
from fitrank_tf.datasets.attributes import Declaration
from fitrank_tf.datasets.csv_catalogue.options import (
    FIELDS,
    ID,
    IMAGE,
    TEXT,
    CsvCatalogueOptions,
)
from fitrank_tf.datasets.csv_catalogue.table import Table, open_table
from fitrank_tf.datasets.image_folder import DiskImageFolder, read_file
from fitrank_tf.datasets.product_source import (
    ProductRow,
    ProductSource,
    content_fingerprint,
)

MORE_CELLS = "row with more cells than columns"


class CsvSource(ProductSource):
    """An opened table and the folder of its photos.

    The column of `image` holds paths of photos, absolute or relative to that folder.
    Without such a column a photo is `<id>.jpg`, `.jpeg`, `.png` or `.webp`.
    """

    def __init__(self, options: CsvCatalogueOptions):
        """
        Args:
            options: table, folder of photos and columns.

        Raises:
            FitRankError: if the table, a named column or the folder is missing.
        """
        self._options = options
        self._table = open_table(options.table)
        self._index = _indices(self._table, options)
        self._attributes = _attribute_indices(self._table, self._index)
        self._folder = _image_folder(options)

    @functools.cached_property
    def declaration(self) -> Declaration:
        rows = list(self._table.rows())
        columns = {
            name: [cells[index].strip() for cells in rows]
            for name, index in self._attributes.items()
        }
        return declare(columns, self._options.attributes)

    @functools.cached_property
    def _listing(self) -> DiskImageFolder:
        return DiskImageFolder(self._folder)

    @property
    def where(self) -> str:
        return self._table.path

    def rows(self) -> Iterator[ProductRow]:
        for cells in self._table.rows():
            item_id = cells[self._index[ID]]
            yield ProductRow(
                id=item_id,
                text=cells[self._index[TEXT]].strip(),
                attributes={
                    each.name: cells[self._attributes[each.column]]
                    for each in self.declaration.attributes
                },
                photo=self._photo_of(item_id, cells),
                problem="" if len(cells) == len(self._table.header) else MORE_CELLS,
            )

    def read_photo(self, photo: str) -> bytes:
        return read_file(Path(photo))

    def fingerprint(self) -> str:
        return content_fingerprint(
            [self._table.data, repr((self._options.columns, self.declaration)).encode()],
            # By id, because the folder's path is no part of the content.
            ((row.id, self._stamp(row.photo)) for row in self.rows()),
        )

    def _photo_of(self, item_id: str, cells: Sequence[str]) -> str:
        if IMAGE in self._index:
            name = cells[self._index[IMAGE]].strip()
        else:
            name = self._listing.photo_of(item_id)
        # joinpath keeps an absolute path as it is.
        return str(self._folder.joinpath(name)) if name else ""

    def _stamp(self, photo: str) -> str:
        try:
            return str(Path(photo).stat().st_size)
        except (OSError, ValueError):
            return "missing"


def _indices(table: Table, options: CsvCatalogueOptions) -> Mapping[str, int]:
    """{field: index of its column}, for the fields that the table has."""
    column_of = options.column_of()
    for field in options.must_have():
        if column_of[field] not in table.header:
            raise FitRankError(
                f"{table.path}: no column {column_of[field]!r} for {field!r}; it has "
                f"{', '.join(table.header)}: name the right one with --columns"
            )
    return {
        field: table.header.index(column)
        for field, column in column_of.items()
        if column in table.header
    }


def _attribute_indices(table: Table, index: Mapping[str, int]) -> Mapping[str, int]:
    """{column: its index}, of all columns but those of `FIELDS`."""
    named = {field: place for field, place in index.items() if field not in FIELDS}
    others = {
        column: place
        for place, column in enumerate(table.header)
        if place not in index.values() and column
    }
    return {**named, **others}


def _image_folder(options: CsvCatalogueOptions) -> Path:
    folder = Path(options.images or Path(options.table).parent).expanduser()
    if not folder.is_dir():
        raise FitRankError(f"--images {options.images}: there is no such folder")
    return folder
