"""Finds the files of a public data set in the folder that a person unpacked it into."""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from fitrank_tf.core.errors import FitRankError

logger = logging.getLogger(__name__)

# Deep enough for an archive unpacked into a folder of its name, twice.
_MAX_DEPTH = 3
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
# Folders of photos, which would take long to list.
_OF_PHOTOS = frozenset(("img", "images", "jpg", "image", "flickr30k-images", "val2014"))
_MOST_NAMED = 3
_CHUNK = 1 << 16


class ManualDir:
    """The root of a public data set below the folder that `--manual_dir` names.

    The last part of a file's name has a suffix, such as `.txt`, that of a folder has none.
    A file without any text counts as absent.

    Args:
        path: of the folder; `~` is expanded.
        landmark: a file or folder by which the data set is known, relative to its root,
            such as "Eval/list_eval_partition.txt", or a pattern of `Path.glob`; or several
            that it may have.
        unpack: how to get and unpack the data set, for messages.
        others: ends of the names, in small letters, of folders of other data sets, in which
            it is not.

    Raises:
        FitRankError: if there is no such folder, or no landmark in it or up to three
            folders below; names the archives that lie there still packed.
    """

    def __init__(
        self,
        path: str,
        landmark: str | Sequence[str],
        unpack: str,
        others: tuple[str, ...] = (),
    ):
        self._named, self._unpack = path, unpack
        if not path or not Path(path).expanduser().is_dir():
            raise FitRankError(
                f"--manual_dir {path or '(not given)'}: there is no such folder; {unpack}"
            )
        self.root = self._top = Path(path).expanduser()
        landmarks = (landmark,) if isinstance(landmark, str) else tuple(landmark)
        found = [
            (len(folder.parts), rank, str(folder))
            for folder in _folders(self._top, others)
            for rank, name in enumerate(landmarks)
            if any(_is_meant(path, name) for path in folder.glob(name))
        ]
        if not found:
            raise self.missing(*landmarks)
        self.root = Path(min(found)[2])
        if rest := sorted({Path(folder) for *_, folder in found} - {self.root}):
            logger.info(
                "%s is read, and not %s",
                self.root,
                ", ".join(map(str, rest[:_MOST_NAMED])),
            )

    def find(self, *names: str) -> Path | None:
        """The first of some files or folders, relative to the root, that is there."""
        return next(self._filled(*names), None)

    def find_all(self, name: str) -> list[Path]:
        """All files or folders of a pattern, relative to the root."""
        return list(self._filled(name))

    def _filled(self, *names: str) -> Iterator[Path]:
        for path in self._there(*names):
            if _is_blank(path):
                logger.warning("%s is empty: it counts as absent", path)
            else:
                yield path

    def _there(self, *names: str) -> Iterator[Path]:
        for name in names:
            for path in sorted(self.root.glob(name)):
                if _is_meant(path, name):
                    yield path

    def need(self, *names: str) -> Path:
        """The first of some files or folders, relative to the root.

        Raises:
            FitRankError: if none is there.
        """
        found = self.find(*names)
        if found is None:
            raise self.missing(*names)
        return found

    def missing(self, *names: str) -> FitRankError:
        """The error that none of some files or folders is there."""
        below = ((self.root / name).parent for name in names)
        folders = {self._top, self.root, *below}
        packed = sorted(
            {
                path.name
                for folder in folders
                if folder.is_dir()
                for path in folder.iterdir()
                if path.suffix.lower() in _ARCHIVES
            }
        )
        blank = [path.name for path in self._there(*names)]
        still = "".join(
            f" ({', '.join(found[:_MOST_NAMED])} is there, {state})"
            for found, state in ((blank, "but empty"), (packed, "packed"))
            if found
        )
        return FitRankError(
            f"--manual_dir {self._named}: no {' or '.join(names)} in {self.root}{still}; "
            f"{self._unpack}"
        )


def located(
    path: str, names: Sequence[str], unpack: str, others: tuple[str, ...] = ()
) -> Path:
    """Finds a file or folder in the folder that `--manual_dir` names, or below it.

    For a file that need not be in the root of the data set, such as a split that others
    published.

    Args:
        path: of the folder, as of `ManualDir`.
        names: of the file or folder, relative to the folder that holds it, as the landmarks
            of `ManualDir`. If there are several, the first that is found is taken.
        unpack: how to get the file or folder, for messages.
        others: as of `ManualDir`.

    Raises:
        FitRankError: as `ManualDir`.
    """
    for name in names:
        with contextlib.suppress(FitRankError):
            return ManualDir(path, name, unpack, others).need(name)
    return ManualDir(path, names, unpack, others).need(*names)


def _is_meant(path: Path, name: str) -> bool:
    """Whether a path is a file or a folder, as its name says."""
    return path.is_file() if PurePosixPath(name).suffix else path.is_dir()


def _is_blank(path: Path) -> bool:
    """Whether a path is a file that has nothing but blanks."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        # Not by lines: a file of JSON may be one of a hundred megabytes.
        return not any(map(bytes.strip, iter(lambda: file.read(_CHUNK), b"")))


def _folders(top: Path, others: tuple[str, ...]) -> Iterator[Path]:
    """A folder and those below it, without those of photos and of others, and hidden ones.

    Links to folders are followed.
    """
    for parent, folders, _ in os.walk(top, followlinks=True):
        if Path(parent).absolute().name.lower().endswith(others):
            folders.clear()
            continue
        yield Path(parent)
        depth = len(Path(parent).relative_to(top).parts)
        folders[:] = sorted(
            name
            for name in folders
            if depth < _MAX_DEPTH
            and name not in _OF_PHOTOS
            and not name.startswith((".", "__MACOSX"))
        )
