"""A folder of photos as a `ProductSource`."""

from collections.abc import Iterator
from pathlib import Path

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.image_folder import DiskImageFolder
from fitrank_tf.datasets.product_source import (
    PHOTO_SUFFIXES,
    ProductRow,
    ProductSource,
    content_fingerprint,
)


class PhotoFolderSource(ProductSource):
    """The files of a folder with one of `PHOTO_SUFFIXES`, sorted by name."""

    def __init__(self, folder: str):
        """
        Args:
            folder: path of the folder.

        Raises:
            FitRankError: if the folder is missing or contains no photo.
        """
        if not folder or not Path(folder).expanduser().is_dir():
            raise FitRankError(
                f"--images {folder or '(not given)'}: name a folder that holds photos"
            )
        self._where = folder
        self._folder = DiskImageFolder(Path(folder).expanduser())
        self._names = sorted(
            name
            for name in self._folder.stamps
            if Path(name).suffix.lower() in PHOTO_SUFFIXES
        )
        if not self._names:
            raise FitRankError(
                f"--images {folder}: no file ends in {', '.join(PHOTO_SUFFIXES)}; name "
                "the folder that holds the photos"
            )

    @property
    def where(self) -> str:
        return self._where

    def rows(self) -> Iterator[ProductRow]:
        for name in self._names:
            yield ProductRow(id=Path(name).stem, text="", attributes={}, photo=name)

    def read_photo(self, photo: str) -> bytes:
        return self._folder.read(photo)

    def fingerprint(self) -> str:
        stamps = self._folder.stamps
        return content_fingerprint([], ((name, stamps[name]) for name in self._names))
