"""INRIA Holidays' photos as a `ProductSource`.

`jpg1.tar.gz` and `jpg2.tar.gz` unpack to `jpg/NNNNNN.jpg`, 1,491 photos of 500 scenes. The
first four digits are the scene, the last two the photo; photo 00 is the scene's query.
Photos are turned upright as their EXIF data says.
"""

import logging
import re
from collections.abc import Iterator

from fitrank_tf.core.photos.folder import DiskImageFolder
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.datasets.manual_dir import ManualDir
from fitrank_tf.datasets.product_source import ProductRow, content_fingerprint
from fitrank_tf.datasets.public_builder import PublicSource
from fitrank_tf.datasets.splits import TEST

UNPACK = (
    "unpack jpg1.tar.gz and jpg2.tar.gz (`tar xf`) into one folder, which then has a "
    "folder `jpg` with 1,491 photos, and name it with --manual_dir"
)
NOT_OF_HOLIDAYS = "file name that is not six digits and .jpg"

# Archives may have been unpacked each to a folder of its own.
_FOLDERS = ("jpg", "jpg[12]*/jpg")
_PHOTO = re.compile(r"([0-9]{4})[0-9]{2}\.jpe?g", re.IGNORECASE)
_NUM_PHOTOS = 1491

logger = logging.getLogger(__name__)


class InriaHolidaysSource(PublicSource):
    """The folder `jpg`, or one of each archive; all photos are of the test split.

    Raises:
        FitRankError: if there is no such folder.
    """

    def __init__(self, manual_dir: str, config: str = ""):
        super().__init__(manual_dir, config)
        opened = ManualDir(manual_dir, _FOLDERS, UNPACK)
        first = opened.need(*_FOLDERS)
        found = [first] if first.parent == opened.root else opened.find_all(_FOLDERS[1])
        self._root = first if len(found) == 1 else opened.root
        self._photos = {
            (path.relative_to(self._root) / name).as_posix(): name
            for path in found
            for name in DiskImageFolder(path).stamps
        }
        self._folder = DiskImageFolder(self._root)
        photos = sum(map(bool, map(_PHOTO.fullmatch, self._photos.values())))
        if photos != _NUM_PHOTOS:
            logger.warning(
                "%s has %d photos of the %d of INRIA Holidays: %s",
                self._root,
                photos,
                _NUM_PHOTOS,
                UNPACK,
            )

    @classmethod
    def declaration_of(cls, config: str) -> Declaration:
        return Declaration(attributes=(Attribute("scene"),))

    @property
    def where(self) -> str:
        return str(self._root)

    def rows(self) -> Iterator[ProductRow]:
        for path, name in sorted(self._photos.items(), key=lambda photo: photo[::-1]):
            named = _PHOTO.fullmatch(name)
            yield ProductRow(
                id=name.partition(".")[0],
                text="",
                attributes={"scene": named[1]} if named else {},
                photos=(path,),
                split=TEST,
                problem="" if named else NOT_OF_HOLIDAYS,
            )

    def read_photo(self, photo: str) -> bytes:
        return self._folder.read(photo)

    def fingerprint(self) -> str:
        files = ((path, self._folder.stamp(path)) for path in self._photos)
        return content_fingerprint([], files)
