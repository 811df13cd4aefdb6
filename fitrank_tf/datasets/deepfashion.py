"""What the benchmarks of DeepFashion have in common: files, ids, boxes, attributes.

Each is a folder with `Anno` (labels and boxes), `Eval` (the partition) and `Img` (photos,
`img.zip` unpacked). Files are tables padded with blanks. The file of the partition says
which photos there are; a line of another file that cannot be read is logged, and its photo
stays without what the line says.
"""

import hashlib
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from fitrank_tf.core.photos.folder import DiskImageFolder
from fitrank_tf.datasets.manual_dir import (
    AnnotationLine,
    ManualDir,
    annotation_lines,
    flat_id,
)
from fitrank_tf.datasets.product_source import PixelBox, content_fingerprint
from fitrank_tf.datasets.public_builder import PublicSource

logger = logging.getLogger(__name__)

MALFORMED = "malformed line of the partition"
# {type of clothes, or of a category: the detector's class}.
CLASS_OF: Mapping[str, str] = {"1": "top", "2": "bottom", "3": "one-piece"}
_PREFIX = "img/"
_POSITIVE = "1"


class DeepFashionSource(PublicSource):
    """The opened folder of one benchmark.

    Args:
        manual_dir: the folder, or one above it.
        config: of `PublicSource`.

    Raises:
        FitRankError: if there is none of `LANDMARKS`, or no photos.
    """

    LANDMARKS: ClassVar[tuple[str, ...]]
    UNPACK: ClassVar[str]
    PHOTOS: ClassVar[tuple[str, ...]] = ("Img/img", "img")

    def __init__(self, manual_dir: str, config: str = ""):
        super().__init__(manual_dir, config)
        self._dir = ManualDir(manual_dir, self.LANDMARKS, self.UNPACK)
        self._folder = DiskImageFolder(self._dir.need(*self.PHOTOS))
        self._files: list[Path] = []

    @property
    def where(self) -> str:
        return str(self._dir.root)

    def read_photo(self, photo: str) -> bytes:
        return self._folder.read(photo)

    def fingerprint(self) -> str:
        return content_fingerprint(map(_digest, self._files), self._folder.stamps.items())

    def _need(self, *names: str) -> Path:
        """The first of some files that is there.

        Raises:
            FitRankError: if none is.
        """
        self._files.append(self._dir.need(*names))
        return self._files[-1]

    def _find(self, lacking: str, *names: str) -> Path | None:
        """The first of some files that is there; without one, logs what Items lack."""
        found = self._dir.find(*names)
        if found is None:
            logger.warning("%s: no %s, so no %s", self.where, names[0], lacking)
        else:
            self._files.append(found)
        return found


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def photo_of(path: str) -> str:
    """A photo's path within the folder of photos, one text in memory for all its uses."""
    return sys.intern(path.removeprefix(_PREFIX))


def id_of(path: str) -> str:
    """The id of a photo by its path, with or without `img/`."""
    return flat_id(photo_of(path))


def table_rows(path: Path | None, columns: int, head: int = 2) -> Iterator[AnnotationLine]:
    """The lines of a table that have as many columns as they should; logs how many don't.

    Args:
        path: of the table; without one there are no rows.
        columns: how many; the first is a photo, an item or a name.
        head: lines of the head.

    Raises:
        FitRankError: if the file cannot be read, is empty or not UTF-8.
    """
    malformed = []
    for line in annotation_lines(path, head) if path else ():
        if len(line.fields) == columns:
            yield line
        else:
            malformed.append(line.number)
    if malformed:
        logger.warning(
            "%s: %d lines without %d columns are left out, the first in line %d",
            path,
            len(malformed),
            columns,
            malformed[0],
        )


# xmin, ymin, xmax, ymax in pixels.
Corners = tuple[int, int, int, int]


def corners_of(fields: Sequence[str]) -> Corners | None:
    """Four whole numbers, which may begin with zeros; None if they are something else."""
    try:
        xmin, ymin, xmax, ymax = map(int, fields)
    except ValueError:
        return None
    return xmin, ymin, xmax, ymax


def objects_of(
    clothes: str, corners: Corners | None, within: tuple[int, int] | None = None
) -> tuple[PixelBox, ...]:
    """The box of a photo as a row's `objects`; none without corners or a known class.

    Args:
        clothes: a key of `CLASS_OF`.
        corners: of the box.
        within: of `PixelBox`.
    """
    if corners is None or clothes not in CLASS_OF:
        return ()
    return (PixelBox(CLASS_OF[clothes], corners, within),)


class TypedBox(NamedTuple):
    """A line of a file of boxes of one of the two retrieval benchmarks.

    Attributes:
        clothes: type of clothes, a key of `CLASS_OF`.
        kind: the third column: the pose of an In-shop photo, the source of another.
        corners: None if they are no numbers.
    """

    clothes: str
    kind: str
    corners: Corners | None


def typed_boxes(path: Path | None) -> dict[str, TypedBox]:
    """{photo: its box} of a file of boxes; none without a file."""
    return {
        photo_of(photo): TypedBox(clothes, kind, corners_of(corners))
        for _, (photo, clothes, kind, *corners) in table_rows(path, columns=7)
    }


def named_lines(path: Path | None) -> list[str]:
    """The lines of a file of names, which may have blanks; none without a file."""
    return [" ".join(line.fields) for line in annotation_lines(path)] if path else []


def positive(values: Sequence[str]) -> tuple[int, ...]:
    """Where "1" stands among "1", "-1" and "0"."""
    found, place = [], -1
    try:
        while True:
            place = values.index(_POSITIVE, place + 1)
            found.append(place)
    except ValueError:
        return tuple(found)
