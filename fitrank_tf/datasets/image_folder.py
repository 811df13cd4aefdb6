"""A common interface of image folders on disk and inside zip archives."""

import abc
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from fitrank_tf.datasets.product_photos import UnreadablePhoto
from fitrank_tf.datasets.product_source import CORRUPT_ENTRY, MISSING_IMAGE, PHOTO_SUFFIXES


class ImageFolder(abc.ABC):
    """The files of a folder.

    Attributes:
        stamps: {file name: stamp}; a stamp changes with the file, as far as is visible
            without reading it.
    """

    stamps: Mapping[str, str]

    @abc.abstractmethod
    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            UnreadablePhoto: `MISSING_IMAGE` or `CORRUPT_ENTRY`.
        """

    def photo_of(self, item_id: str) -> str:
        """The file `<item_id>.jpg` or with another of `PHOTO_SUFFIXES`; "" if missing."""
        names = (item_id + suffix for suffix in PHOTO_SUFFIXES)
        return next((name for name in names if name in self.stamps), "")


class DiskImageFolder(ImageFolder):
    """The files of a folder on disk, without its subfolders."""

    def __init__(self, folder: Path):
        self._folder = folder
        with os.scandir(folder) as entries:
            self.stamps = {e.name: str(e.stat().st_size) for e in entries if e.is_file()}

    def read(self, name: str) -> bytes:
        return read_file(self._folder / name)


class ZipImageFolder(ImageFolder):
    """The members of an open zip archive whose path is `prefix` + file name."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str):
        self._archive, self._prefix = archive, prefix
        members = (m for m in archive.infolist() if m.filename.startswith(prefix))
        self.stamps = {
            member.filename[len(prefix) :]: f"{member.file_size}-{member.CRC:08x}"
            for member in members
            if not member.is_dir()
        }

    def read(self, name: str) -> bytes:
        if name not in self.stamps:
            raise UnreadablePhoto(MISSING_IMAGE)
        try:
            return self._archive.read(self._prefix + name)
        except ZIP_READ_ERRORS as error:
            raise UnreadablePhoto(CORRUPT_ENTRY) from error


# RuntimeError: encrypted; NotImplementedError: a compression that Python lacks.
ZIP_READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
)


def read_file(path: Path) -> bytes:
    """The bytes of an image file on disk.

    Raises:
        UnreadablePhoto: `MISSING_IMAGE` or `CORRUPT_ENTRY`.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UnreadablePhoto(MISSING_IMAGE) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise UnreadablePhoto(CORRUPT_ENTRY) from error
