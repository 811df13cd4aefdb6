"""A user's table and photos as a `ProductSource`."""

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.core.photos.folder import DiskImageFolder
from fitrank_tf.core.photos.names import photos_in_cell
from fitrank_tf.datasets.csv_catalogue.options import ID, IMAGE, TEXT, CsvCatalogueOptions
from fitrank_tf.datasets.csv_catalogue.table import Table, open_table
from fitrank_tf.datasets.item import ATTRIBUTES
from fitrank_tf.datasets.product_source import (
    ProductRow,
    ProductSource,
    content_fingerprint,
)

MORE_CELLS = "row with more cells than columns"


class CsvSource(ProductSource):
    """An opened table and the folder of its photos.

    The column of `image` holds photos: paths, absolute or relative to that folder, and
    addresses, one or a list in a cell; or the bytes of an image file. Without such a column
    photos are named after the id, as `names.NameIndex.photos_of` says.
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
        self._folder = _image_folder(options)

    @functools.cached_property
    def _ids(self) -> frozenset[str]:
        return frozenset(cells[self._index[ID]].strip() for cells in self._table.rows())

    @property
    def where(self) -> str:
        return self._table.path

    def rows(self) -> Iterator[ProductRow]:
        for cells in self._table.rows():
            item_id = cells[self._index[ID]]
            photos, problem = self._photos_of(item_id, cells)
            yield ProductRow(
                id=item_id,
                text=cells[self._index[TEXT]].strip(),
                attributes={
                    name: cells[self._index[name]].strip()
                    for name in ATTRIBUTES
                    if name in self._index
                },
                photos=photos,
                problem=problem if len(cells) == len(self._table.header) else MORE_CELLS,
            )

    def read_photo(self, photo: str) -> bytes:
        return self._folder.read(photo)

    def fingerprint(self) -> str:
        return content_fingerprint(
            [self._table.data, repr(sorted(self._options.columns)).encode()],
            # By id, because the folder's path is no part of the content.
            (
                (row.id, self._stamp(photo))
                for row in self.rows()
                for photo in row.photos or [b""]
            ),
        )

    def _photos_of(
        self, item_id: str, cells: Sequence[str]
    ) -> tuple[tuple[str | bytes, ...], str]:
        """The photos of a row, or why they cannot be told."""
        try:
            if IMAGE in self._index:
                return photos_in_cell(cells[self._index[IMAGE]], self._folder.holds), ""
            return self._folder.photos_of(item_id, self._ids), ""
        except UnreadablePhoto as error:
            return (), str(error)

    def _stamp(self, photo: str | bytes) -> str:
        if isinstance(photo, bytes):
            return hashlib.sha256(photo).hexdigest()
        return self._folder.stamp(photo)


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


def _image_folder(options: CsvCatalogueOptions) -> DiskImageFolder:
    folder = Path(options.images or Path(options.table).parent).expanduser()
    if not folder.is_dir():
        raise FitRankError(f"--images {options.images}: there is no such folder")
    return DiskImageFolder(folder)
