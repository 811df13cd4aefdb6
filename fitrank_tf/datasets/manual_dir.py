"""Finds the files of a public data set in the folder that a person unpacked it into."""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.lines import numbered_lines

logger = logging.getLogger(__name__)

# Deep enough for an archive unpacked into a folder of its name, twice.
_MAX_DEPTH = 3
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
# Folders of photos, which would take long to list.
_OF_PHOTOS = frozenset(("img", "images", "jpg", "image", "flickr30k-images", "val2014"))
_MOST_NAMED = 3


class ManualDir:
    """The root of a public data set below the folder that `--manual_dir` names.

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
        self._top = Path(path).expanduser()
        landmarks = (landmark,) if isinstance(landmark, str) else tuple(landmark)
        found = [
            (len(folder.parts), rank, str(folder))
            for folder in _folders(self._top, others)
            for rank, name in enumerate(landmarks)
            if any(folder.glob(name))
        ]
        if not found:
            raise self.missing(*landmarks)
        self.root = Path(min(found)[2])

    def find(self, *names: str) -> Path | None:
        """The first of some files or folders, relative to the root, that is there."""
        paths = (path for name in names for path in sorted(self.root.glob(name)))
        return next(paths, None)

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
        where = getattr(self, "root", self._top)
        folders = {self._top, where, *((where / name).parent for name in names)}
        packed = sorted(
            {
                path.name
                for folder in folders
                if folder.is_dir()
                for path in folder.iterdir()
                if path.suffix.lower() in _ARCHIVES
            }
        )
        still = f" ({', '.join(packed[:_MOST_NAMED])} is there, packed)" if packed else ""
        return FitRankError(
            f"--manual_dir {self._named}: no {' or '.join(names)} in {where}{still}; "
            f"{self._unpack}"
        )


def located(
    path: str, names: Sequence[str], unpack: str, others: tuple[str, ...] = ()
) -> Path:
    """The first of some files or folders that is anywhere below the folder of a data set.

    For what people keep apart from the other files, such as a split that others published.

    Args:
        path: of the folder, as of `ManualDir`.
        names: in order of preference, as the landmarks of `ManualDir`.
        unpack: how to get them, for messages.
        others: as of `ManualDir`.

    Raises:
        FitRankError: as `ManualDir`.
    """
    for name in names:
        with contextlib.suppress(FitRankError):
            return ManualDir(path, name, unpack, others).need(name)
    return ManualDir(path, names, unpack, others).need(*names)


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


class AnnotationLine(NamedTuple):
    """A line of an annotation file.

    Attributes:
        number: of the line, from 1.
        fields: what stands between blanks.
    """

    number: int
    fields: list[str]


def annotation_lines(path: Path, head: int = 2) -> Iterator[AnnotationLine]:
    """The lines of a file whose columns are padded with blanks, without its head.

    One line is in memory at a time: a file of attributes can have a gigabyte.

    Args:
        path: of the file.
        head: lines of the head. If the first is a number, it says how many lines follow; a
            wrong one is logged.

    Raises:
        FitRankError: if the file cannot be read, is empty or not UTF-8.
    """
    counted, count = "", -head
    for number, line in numbered_lines(path):
        if count == -head and head:
            counted = line.strip()
        count += 1
        if count > 0:
            yield AnnotationLine(number, line.split())
    if counted.isdecimal() and int(counted) != count:
        logger.warning("%s says that it has %s lines; it has %d", path, counted, count)


def flat_id(photo: str) -> str:
    """The id of a photo that is known by its path: without suffix, "_" for "/".

    An id is one word in the files of other tools, so blanks become "_" too.
    """
    stem = PurePosixPath(photo).with_suffix("").as_posix()
    return "_".join(stem.replace("/", "_").split())
