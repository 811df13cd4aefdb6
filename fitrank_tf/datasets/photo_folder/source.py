"""A folder of photos as a `ProductSource`."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.photos.clean import is_photo
from fitrank_tf.core.photos.folder import DiskImageFolder
from fitrank_tf.core.photos.names import PHOTO_SUFFIXES, is_photo_name, readable
from fitrank_tf.datasets.product_source import (
    ProductRow,
    ProductSource,
    content_fingerprint,
)

HIDDEN, NO_PHOTO = "hidden file", "file that is no photo by its name"
# Enough to tell a photo's format.
_HEAD_BYTES = 2**16


class PhotoFolderSource(ProductSource):
    """The photos of a folder and its subfolders, sorted by name.

    A photo has one of `names.PHOTO_SUFFIXES`, or no suffix and the content of a photo. Its
    id is its path in the folder without the suffix. Other files are rows with a problem.
    """

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
        path = Path(folder).expanduser()
        self._folder = DiskImageFolder(path)
        self._problems = {
            name: _problem_of(path, name)
            for name in sorted(self._folder.stamps, key=_flat_first)
        }
        if all(self._problems.values()):
            raise FitRankError(
                f"--images {folder}: no file in it or below ends in "
                f"{', '.join(PHOTO_SUFFIXES[:4])} or is another photo; name the folder "
                "that holds the photos"
            )

    @property
    def where(self) -> str:
        return self._where

    def rows(self) -> Iterator[ProductRow]:
        for name, problem in self._problems.items():
            if problem:
                yield ProductRow(readable(name), "", {}, problem=problem)
            else:
                path = PurePosixPath(readable(name))
                yield ProductRow(str(path.with_suffix("")), "", {}, (name,))

    def read_photo(self, photo: str) -> bytes:
        return self._folder.read(photo)

    def fingerprint(self) -> str:
        stamps = self._folder.stamps
        photos = (name for name, problem in self._problems.items() if not problem)
        return content_fingerprint([], ((name, stamps[name]) for name in photos))


def _flat_first(name: str) -> tuple[int, str]:
    return name.count("/"), name


def _problem_of(folder: Path, name: str) -> str:
    path = PurePosixPath(name)
    if path.name.startswith("."):
        return HIDDEN
    if is_photo_name(name) or (not path.suffix and is_photo(_head(folder / name))):
        return ""
    return NO_PHOTO


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""
