"""INRIA Holidays' photos as a `ProductSource`.

`jpg1.tar.gz` and `jpg2.tar.gz` unpack to `jpg/NNNNNN.jpg`, 1,491 photos of 500 scenes. The
first four digits are the scene, the last two the photo; photo 00 is the scene's query.
Photos are turned upright as their EXIF data says.
"""

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

_PHOTO = re.compile(r"(\d{4})\d{2}\.jpe?g", re.IGNORECASE)


class InriaHolidaysSource(PublicSource):
    """The folder `jpg`; all photos are of the test split.

    Raises:
        FitRankError: if there is no such folder.
    """

    def __init__(self, manual_dir: str, config: str = ""):
        super().__init__(manual_dir, config)
        self._root = ManualDir(manual_dir, "jpg", UNPACK).need("jpg")
        self._folder = DiskImageFolder(self._root)

    @classmethod
    def declares(cls, config: str) -> Declaration:
        return Declaration(attributes=(Attribute("scene"),))

    @property
    def where(self) -> str:
        return str(self._root)

    def rows(self) -> Iterator[ProductRow]:
        for name in sorted(self._folder.stamps):
            named = _PHOTO.fullmatch(name)
            yield ProductRow(
                id=name.partition(".")[0],
                text="",
                attributes={"scene": named[1]} if named else {},
                photos=(name,),
                split=TEST,
                problem="" if named else NOT_OF_HOLIDAYS,
            )

    def read_photo(self, photo: str) -> bytes:
        return self._folder.read(photo)

    def fingerprint(self) -> str:
        return content_fingerprint([], self._folder.stamps.items())
