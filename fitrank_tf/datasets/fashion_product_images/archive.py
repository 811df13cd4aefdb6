"""Finds *Fashion Product Images* in a `--manual_dir`, zipped or unpacked.

The archive contains `fashion-dataset/styles.csv` and `fashion-dataset/images/<id>.jpg`, or
(the small one) `styles.csv` and `images/<id>.jpg`; in some copies the folder is nested in
itself. So the data set is the topmost `styles.csv` with a folder `images` beside it.
"""

import logging
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.folder import (
    ZIP_READ_ERRORS,
    DiskImageFolder,
    ImageFolder,
    ZipImageFolder,
)
from fitrank_tf.datasets.attributes import Declaration
from fitrank_tf.datasets.fashion_product_images.styles_csv import (
    DECLARATION,
    ID_COLUMN,
    TITLE_COLUMN,
    open_styles,
    read_styles,
)
from fitrank_tf.datasets.product_source import (
    ProductRow,
    ProductSource,
    content_fingerprint,
)

logger = logging.getLogger(__name__)

TABLE, IMAGES = "styles.csv", "images"

# Tried before other zip files: the name of the data set, and that of Kaggle's download.
ZIP_NAMES = ("fashion-product-images-dataset.zip", "archive.zip")

# Deep enough for every known layout; limits the search of a large folder.
_MAX_DEPTH = 4


class FashionArchive(ProductSource):
    """The opened data set: its table and its folder of images."""

    def __init__(self, where: str, styles: bytes, images: ImageFolder):
        """
        Args:
            where: the path of the table, for messages.
            styles: the bytes of `styles.csv`.
            images: the folder `images`.

        Raises:
            FitRankError: if `styles` is not the table of this data set.
        """
        self._where, self._images = where, images
        self._table = open_styles(styles, where)

    @property
    def where(self) -> str:
        return self._where

    @property
    def declaration(self) -> Declaration:
        return DECLARATION

    def rows(self) -> Iterator[ProductRow]:
        for row, product in zip(self._table.rows, read_styles(self._table)):
            yield ProductRow(
                id=product[ID_COLUMN],
                text=product[TITLE_COLUMN],
                attributes={
                    each.name: product.get(each.column, "")
                    for each in DECLARATION.attributes
                    if each.column
                },
                photos=self._images.photos_of(product[ID_COLUMN]),
                problem=row.problem,
                line=row.line,
            )

    def read_photo(self, photo: str) -> bytes:
        return self._images.read(photo)

    def fingerprint(self) -> str:
        return content_fingerprint(
            [self._table.digest.encode()], self._images.stamps.items()
        )


def open_archive(manual_dir: str) -> FashionArchive:
    """Opens the data set in a folder, unpacked rather than zipped if both are there.

    Args:
        manual_dir: a folder that contains the data set, or its zip file.

    Raises:
        FitRankError: if the data set is missing or cannot be read.
    """
    if not manual_dir:
        raise FitRankError(
            "--manual_dir is not given; name the folder that holds "
            f"{ZIP_NAMES[0]} or the unpacked fashion-dataset/"
        )
    path = Path(manual_dir).expanduser()
    if path.is_file():
        archive = _open_zip(path)
        if archive is None:
            raise _none_in(path)
        return archive
    if not path.is_dir():
        raise FitRankError(f"--manual_dir {manual_dir}: there is no such file or folder")
    return _open_folder(path)


def _open_folder(path: Path) -> FashionArchive:
    places = [*sorted(_tables_below(path), key=_nearness), *_zips_of(path)]
    for place in places:
        archive = _open_unpacked(place) if place.name == TABLE else _open_zip(place)
        if archive is not None:
            others = [str(other) for other in places if other != place]
            if others:
                logger.info("using %s; also there: %s", archive.where, ", ".join(others))
            return archive
    raise _none_in(path)


def _none_in(path: Path) -> FitRankError:
    return FitRankError(
        f"{path}: no {TABLE} with a folder {IMAGES} beside it, neither unpacked nor in a "
        "zip file; put Kaggle's archive there, or name another --manual_dir"
    )


def _zips_of(folder: Path) -> list[Path]:
    """The zip files of a folder, those of `ZIP_NAMES` first."""
    found = {path.name: path for path in folder.iterdir() if path.suffix.lower() == ".zip"}
    names = dict.fromkeys([*ZIP_NAMES, *sorted(found)])
    return [found[name] for name in names if name in found]


def _nearness(path: Path | PurePosixPath) -> tuple[int, str]:
    return len(path.parts), str(path)


def _tables_below(folder: Path) -> list[Path]:
    """All `styles.csv` with a folder `images` beside them; `images` is not searched."""
    tables = []
    for parent, folders, files in os.walk(folder):
        if TABLE in files and IMAGES in folders:
            tables.append(Path(parent) / TABLE)
        depth = len(Path(parent).relative_to(folder).parts)
        folders[:] = [f for f in folders if depth < _MAX_DEPTH and not _is_passed_over(f)]
    return tables


def _is_passed_over(folder: str) -> bool:
    return folder == IMAGES or folder.startswith((".", "__MACOSX"))


def _open_unpacked(table: Path) -> FashionArchive:
    try:
        return FashionArchive(
            str(table), table.read_bytes(), DiskImageFolder(table.parent / IMAGES)
        )
    except OSError as error:
        raise FitRankError(f"{table}: cannot be read ({error.strerror})") from error


def _open_zip(path: Path) -> FashionArchive | None:
    """The data set in a zip file; None if the file contains something else."""
    try:
        # Left open: photos are read from it for as long as the source is in use.
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise FitRankError(
            f"{path}: cannot be read as a zip file ({error}); download it again"
        ) from error
    parent = _nearest_parent(archive.namelist())
    if parent is None:
        archive.close()
        return None
    where = f"{path}/{parent / TABLE}"
    try:
        styles = archive.read(str(parent / TABLE))
    except ZIP_READ_ERRORS as error:
        raise FitRankError(
            f"{where}: cannot be read ({error}); download it again"
        ) from error
    return FashionArchive(where, styles, ZipImageFolder(archive, f"{parent / IMAGES}/"))


def _nearest_parent(names: Sequence[str]) -> PurePosixPath | None:
    folders = {name.rpartition("/")[0] for name in names}
    tables = (PurePosixPath(name) for name in names if name.rsplit("/", 1)[-1] == TABLE)
    found = [
        table
        for table in tables
        if str(table.parent / IMAGES) in folders and not _is_passed_over(table.parts[0])
    ]
    return min(found, key=_nearness).parent if found else None
