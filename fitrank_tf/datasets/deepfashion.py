"""What the benchmarks of DeepFashion have in common: files, ids, boxes, attributes.

Each is a folder with `Anno` (labels and boxes), `Eval` (the partition) and `Img` (photos,
`img.zip` unpacked). Files are tables padded with blanks. The file of the partition says
which photos there are; a line of another file that cannot be read is logged, and its photo
stays without what the line says.
"""

import logging
import posixpath
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from fitrank_tf.core.files import file_digest
from fitrank_tf.core.photos.folder import DiskImageFolder
from fitrank_tf.datasets.annotation_table import log_left_out, table_rows
from fitrank_tf.datasets.manual_dir import ManualDir
from fitrank_tf.datasets.product_source import PixelBox, content_fingerprint
from fitrank_tf.datasets.public_builder import PublicSource
from fitrank_tf.datasets.splits import TEST, TRAIN, VALIDATION

logger = logging.getLogger(__name__)

MALFORMED = "malformed line of the partition"
# {type of clothes, or of a category: the detector's class}.
CLASS_OF: Mapping[str, str] = {"1": "top", "2": "bottom", "3": "one-piece"}
# {status of the partition: the split here} of the benchmarks that have these.
SPLIT_OF: Mapping[str, str] = {"train": TRAIN, "val": VALIDATION, "test": TEST}
# {the first word of a photo's path: the gender here}.
GENDERS: Mapping[str, str] = {"MEN": "Men", "WOMEN": "Women"}
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
    UNPACK: ClassVar[str] = (
        "unpack the benchmark's Anno and Eval, and its Img/img.zip in Img (which then has "
        "a folder img), and name the folder that holds the three with --manual_dir"
    )
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
        digests = (file_digest(path).encode() for path in self._files)
        return content_fingerprint(digests, self._folder.stamps.items())

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


def photo_of(path: str) -> str:
    """A photo's path within the folder of photos, one text in memory for all its uses."""
    return sys.intern(path.removeprefix(_PREFIX))


def id_of(path: str) -> str:
    """The id of a photo by its path, with or without `img/`: without suffix, "_" for "/".

    An id is one word in the files of other tools, so blanks become "_" too.
    """
    stem, _ = posixpath.splitext(photo_of(path))
    return "_".join(stem.replace("/", "_").split())


# xmin, ymin, xmax, ymax in pixels.
Corners = tuple[int, int, int, int]


def corners_of(fields: Sequence[str]) -> Corners | None:
    """Four whole numbers, such as 065 or 65.0; None if they are something else."""
    try:
        numbers = list(map(float, fields))
    except ValueError:
        return None
    # Infinite is what is too large, too.
    if not all(map(float.is_integer, numbers)):
        return None
    xmin, ymin, xmax, ymax = map(int, numbers)
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
    """The garment's box in a photo of In-shop or Consumer-to-shop, and what it is of.

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
        photo: TypedBox(clothes, kind, corners)
        for photo, (clothes, kind), corners in _boxes(path, columns=7)
    }


def plain_boxes(path: Path | None) -> dict[str, Corners | None]:
    """{photo: corners of its box} of a file without other columns; none without a file."""
    return {photo: corners for photo, _, corners in _boxes(path, columns=5)}


def _boxes(
    path: Path | None, columns: int
) -> Iterator[tuple[str, list[str], Corners | None]]:
    """(photo, columns in between, the corners in the last four) of a file of boxes."""
    unreadable = []
    for number, (photo, *fields) in table_rows(path, columns):
        corners = corners_of(fields[-4:])
        if corners is None:
            unreadable.append(number)
        yield photo_of(photo), fields[:-4], corners
    log_left_out(path, unreadable, "with boxes that are not four whole numbers")


def positive(values: Sequence[str]) -> tuple[int, ...]:
    """Where "1" stands among "1", "-1" and "0"."""
    found, place = [], -1
    try:
        while True:
            place = values.index(_POSITIVE, place + 1)
            found.append(place)
    except ValueError:
        return tuple(found)
