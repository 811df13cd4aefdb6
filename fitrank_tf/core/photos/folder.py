"""A common interface of image folders on disk and inside zip archives."""

import abc
import functools
import os
import zipfile
import zlib
from collections.abc import Callable, Container, Mapping
from pathlib import Path

from fitrank_tf.core.photos.clean import UnreadablePhoto
from fitrank_tf.core.photos.download import download, is_address
from fitrank_tf.core.photos.names import MISSING_IMAGE, NameIndex, name_forms

CORRUPT_ENTRY = "image file cannot be read"
_MISSING = "missing"

# RuntimeError: encrypted; NotImplementedError: a compression that Python lacks.
ZIP_READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
)


class ImageFolder(abc.ABC):
    """The files of a folder and of its subfolders.

    Attributes:
        stamps: {path relative to the folder, with `/`: stamp}; a stamp changes with the
            file, as far as is visible without reading it.
    """

    stamps: Mapping[str, str]
    _path = ""

    def read(self, name: str) -> bytes:
        """The bytes of the file that a name means (`names.NameIndex.find`), or an address.

        Raises:
            UnreadablePhoto: `MISSING_IMAGE`, `AMBIGUOUS`, `CORRUPT_ENTRY`, or why a
                download failed.
        """
        if is_address(name):
            return download(name)
        return self._read(self._find(name))

    def stamp(self, name: str) -> str:
        """The stamp of what `read` reads; `_MISSING` for what it would not find."""
        if is_address(name):
            return name
        try:
            return self._stamp(self._find(name))
        except UnreadablePhoto:
            return _MISSING

    def holds(self, name: str) -> bool:
        """Whether `read` would find a file."""
        return not is_address(name) and self.stamp(name) != _MISSING

    def photos_of(self, item_id: str, ids: Container[str] = ()) -> tuple[str, ...]:
        """The photos that are named after an id, as `names.NameIndex.photos_of` says."""
        return self._index.photos_of(item_id, ids)

    @functools.cached_property
    def _index(self) -> NameIndex:
        return NameIndex(self.stamps, self._path)

    def _find(self, name: str) -> str:
        return name if name in self.stamps else self._index.find(name)

    @abc.abstractmethod
    def _read(self, name: str) -> bytes:
        """The bytes of a file that `_find` found."""

    def _stamp(self, name: str) -> str:
        return self.stamps[name]


class DiskImageFolder(ImageFolder):
    """The files of a folder on disk, without those of hidden subfolders.

    Absolute paths, and those that lead out of the folder, are read where they are.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._path = str(folder.absolute())

    @functools.cached_property
    def stamps(self) -> Mapping[str, str]:  # type: ignore[override]
        return {
            path: str(entry.stat().st_size) for path, entry in _files(self._folder, set())
        }

    def _find(self, name: str) -> str:
        # The folder is listed only for names that are not to be found as they stand.
        for form in dict.fromkeys(name_forms(name)):
            if form.strip() and _is_file(self._folder / form):
                return form
        return self._index.find(name)

    def _read(self, name: str) -> bytes:
        return read_file(self._folder / name)

    def _stamp(self, name: str) -> str:
        return str((self._folder / name).stat().st_size)


def _files(
    folder: Path, seen: set[tuple[int, int]], prefix: str = ""
) -> list[tuple[str, os.DirEntry[str]]]:
    """The files of a folder, subfolders after files; links in circles are followed once."""
    try:
        status = folder.stat()
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
    if (status.st_dev, status.st_ino) in seen:
        return []
    seen.add((status.st_dev, status.st_ino))
    files = [(prefix + entry.name, entry) for entry in listed if _is(entry.is_file)]
    for entry in listed:
        if _is(entry.is_dir) and not entry.name.startswith((".", "__MACOSX")):
            files += _files(folder / entry.name, seen, f"{prefix}{entry.name}/")
    return files


def _is_file(path: Path) -> bool:
    return _is(path.is_file)


def _is(check: Callable[[], bool]) -> bool:
    """What a check of a path says; False if the path cannot be followed.

    Its name may be too long or have a null character, or it may be a link in a circle.
    """
    try:
        return check()
    except (OSError, ValueError):
        return False


class ZipImageFolder(ImageFolder):
    """The members of an open zip archive whose path is `prefix` + file name."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str):
        self._archive, self._prefix, self._path = archive, prefix, prefix
        members = (m for m in archive.infolist() if m.filename.startswith(prefix))
        self.stamps = {
            member.filename[len(prefix) :]: f"{member.file_size}-{member.CRC:08x}"
            for member in members
            if not member.is_dir()
        }

    def _read(self, name: str) -> bytes:
        try:
            return self._archive.read(self._prefix + name)
        except ZIP_READ_ERRORS as error:
            raise UnreadablePhoto(CORRUPT_ENTRY) from error


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


def read_named(name: str) -> bytes:
    """The bytes of the photo that a name means, from the working directory, or an address.

    Raises:
        UnreadablePhoto: as `ImageFolder.read`.
    """
    if is_address(name):
        return download(name)
    path = Path(name).expanduser()
    if _is_file(path):
        return read_file(path)
    for form in dict.fromkeys(name_forms(name)):
        path = Path(form)
        if path.name and path.parent.is_dir():
            try:
                found = NameIndex(p.name for p in path.parent.iterdir()).find(path.name)
            except UnreadablePhoto:
                continue
            return read_file(path.parent / found)
    raise UnreadablePhoto(MISSING_IMAGE)
