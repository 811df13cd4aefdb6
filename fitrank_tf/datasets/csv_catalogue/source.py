"""A user's table and photos as a `ProductSource`."""

import functools
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.core.photos.folder import DiskImageFolder
from fitrank_tf.core.photos.names import photos_in_cell
from fitrank_tf.datasets.attribute_kinds import declare
from fitrank_tf.datasets.attributes import Declaration, with_decimal_points
from fitrank_tf.datasets.csv_catalogue.options import (
    FIELDS,
    ID,
    IMAGE,
    TEXT,
    CsvCatalogueOptions,
)
from fitrank_tf.datasets.fashion_product_images import DECLARATION as FASHION
from fitrank_tf.datasets.product_source import (
    ProductRow,
    ProductSource,
    content_fingerprint,
)
from fitrank_tf.datasets.tables import (
    Blob,
    Header,
    Table,
    TableOptions,
    header_key,
    read_table,
    shown_spellings,
    synonyms,
)

logger = logging.getLogger(__name__)

ROUNDED_ID = "id that a spreadsheet rounded"

# Excel writes the code 4006381333931 as 4.00638E+12: its last digits are lost.
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)


# Of `image 2`, `image2` and `image 2 url`.
_NUMBER_OF_PHOTO = re.compile(r" ?\d{1,2}(?= |$)")


class CsvSource(ProductSource):
    """An opened table and the folder of its photos.

    The columns of `image` hold photos: paths, absolute or relative to that folder, and
    addresses, one or a list in a cell; or the bytes of an image file. Without such columns
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
        reading = TableOptions(options.encoding, options.delimiter, header=_header(options))
        self._table = read_table(options.table, reading)
        self._columns = _columns(self._table, options)
        self._photo_columns = _photo_columns(self._table, self._columns, options)
        self._folder = _image_folder(options)

    @functools.cached_property
    def declaration(self) -> Declaration:
        return declare(self._cells, self._options.attributes)

    @functools.cached_property
    def _cells(self) -> Mapping[str, list[str | tuple[str, ...]]]:
        """{field or column: cell of each row}, of all that may be attributes."""
        fields = {f: column for f, column in self._columns.items() if f not in FIELDS}
        taken = {*self._columns.values(), *self._photo_columns}
        others = {column: column for column in self._table.header if column not in taken}
        return {name: self._values(of) for name, of in (fields | others).items()}

    def _values(self, column: str) -> list[str | tuple[str, ...]]:
        """The cells of a column: one value, or the values of a list.

        Those of rows that cannot be used are empty: what stands in a wrong column, or a
        unit below the header, says nothing of the column.
        """
        cells = [
            () if row.problem or not item_id else cell
            for row, item_id, cell in zip(
                self._table.rows,
                self._ids,
                self._table.values(column, self._options.separator),
            )
        ]
        shown = shown_spellings(value for cell in cells for value in cell)
        shown = dict(zip(shown, with_decimal_points(shown.values())))
        folded = (tuple(dict.fromkeys(shown[value] for value in cell)) for cell in cells)
        return ["".join(cell) if len(cell) < 2 else cell for cell in folded]

    @functools.cached_property
    def _ids(self) -> Sequence[str]:
        return self._table.texts(self._columns[ID])

    @functools.cached_property
    def _known_ids(self) -> frozenset[str]:
        return frozenset(self._ids)

    @property
    def where(self) -> str:
        return self._table.path

    def rows(self) -> Iterator[ProductRow]:
        return iter(self._rows)

    @functools.cached_property
    def _rows(self) -> Sequence[ProductRow]:
        """Looked up once: the fingerprint needs the photos' names too."""
        return tuple(self._read_rows())

    def _read_rows(self) -> Iterator[ProductRow]:
        titles = self._table.texts(self._columns[TEXT])
        for number, row in enumerate(self._table.rows):
            item_id = self._ids[number]
            photos, problem = self._photos_of(number)
            rounded = ROUNDED_ID if _ROUNDED.fullmatch(item_id) else ""
            yield ProductRow(
                id=item_id,
                text=titles[number],
                attributes={
                    each.name: self._cells[each.column][number]
                    for each in self.declaration.attributes
                },
                photos=photos,
                problem=row.problem or rounded or problem,
                line=row.line,
            )

    def read_photo(self, photo: str) -> bytes:
        return self._folder.read(photo)

    def fingerprint(self) -> str:
        read_as = (sorted(self._options.columns), *self._options.reading())
        return content_fingerprint(
            [self._table.digest.encode(), repr(read_as).encode()],
            # By id, because the folder's path is no part of the content.
            (
                (row.id, self._stamp(photo))
                for row in self.rows()
                for photo in row.photos or [""]
            ),
        )

    @functools.cached_property
    def _photos(self) -> Sequence[Sequence[str | Blob]]:
        columns = map(self._table.photos, self._photo_columns)
        return [[photo for cell in cells for photo in cell] for cells in zip(*columns)]

    def _photos_of(self, number: int) -> tuple[tuple[str | Blob, ...], str]:
        """The photos of a row, or why they cannot be told."""
        try:
            if not self._photo_columns:
                return self._folder.photos_of(self._ids[number], self._known_ids), ""
            inside = [photo for photo in self._photos[number] if isinstance(photo, Blob)]
            names = [photo for photo in self._photos[number] if isinstance(photo, str)]
            return (*inside, *photos_in_cell(names, self._folder.holds)), ""
        except UnreadablePhoto as error:
            return (), str(error)

    def _stamp(self, photo: str | Blob) -> str:
        return "in the table" if isinstance(photo, Blob) else self._folder.stamp(photo)


def _columns(table: Table, options: CsvCatalogueOptions) -> Mapping[str, str]:
    """{field: its column}, for the fields and the attributes of fashion that the table has.

    A field without a named column is read from the column of its own name, or else of a
    usual one, such as "sku" of `id`.
    """
    named = dict(options.columns)
    found: dict[str, str] = {}
    fields = dict.fromkeys([*named, *FIELDS, *FASHION.names])
    for field in fields:
        names = [named[field]] if field in named else [field, *synonyms(field)]
        columns = [each for each in map(table.find, names) if each is not None]
        free = [
            column for column in columns if field in named or column not in found.values()
        ]
        if free:
            found[field] = free[0]
        elif field in options.must_have():
            raise FitRankError(
                f"{table.path}: no column {names[0]!r} for {field!r}; it has "
                f"{', '.join(table.header)}: name the right one with --columns"
            )
    other = [f"{field} from {name!r}" for field, name in found.items() if field != name]
    logger.info("%s: %s", table.path, "; ".join([table.reading, *other]))
    return found


def _header(options: CsvCatalogueOptions) -> Header:
    """A header names the columns of the fields that a table must have."""
    named = dict(options.columns)
    return Header(
        tuple(
            (named[field],) if field in named else (field, *synonyms(field))
            for field in options.must_have()
        )
    )


def _photo_columns(
    table: Table, columns: Mapping[str, str], options: CsvCatalogueOptions
) -> Sequence[str]:
    """The columns of photos: a named one, or all with a usual name, such as `image2`.

    The likeliest comes first, of those with numbers the first in the table.
    """
    if IMAGE in dict(options.columns):
        return [columns[IMAGE]]
    usual = [header_key(name) for name in (IMAGE, *synonyms(IMAGE))]
    others = {column for field, column in columns.items() if field != IMAGE}
    found = {
        column: key
        for column in table.header
        if column not in others
        and (key := _NUMBER_OF_PHOTO.sub("", header_key(column))) in usual
    }
    return sorted(found, key=lambda column: usual.index(found[column]))


def _image_folder(options: CsvCatalogueOptions) -> DiskImageFolder:
    folder = Path(options.images or Path(options.table).parent).expanduser()
    if not folder.is_dir():
        raise FitRankError(f"--images {options.images}: there is no such folder")
    return DiskImageFolder(folder)
