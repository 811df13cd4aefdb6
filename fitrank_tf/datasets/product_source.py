"""The interface of the sources of catalogues: rows of a table, each with photos."""

import abc
import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fitrank_tf.datasets.attributes import Declaration
from fitrank_tf.datasets.tables.cells import Blob


@dataclasses.dataclass(frozen=True)
class LabelledBox:
    """A labelled box in a photo.

    Attributes:
        label: one of `item.OBJECT_CLASSES`.
        ymin, xmin, ymax, xmax: the box in 0..1 of the photo's height and width. The photo
            is the stored one, before it is turned as its EXIF data says.
    """

    label: str
    ymin: float
    xmin: float
    ymax: float
    xmax: float


@dataclasses.dataclass(frozen=True)
class PixelBox:
    """A labelled box in pixels: the photo's size is known when the builder has read it.

    Attributes:
        label: one of `item.OBJECT_CLASSES`.
        corners: xmin, ymin, xmax, ymax in pixels from the top left corner of the stored
            photo, before it is turned as its EXIF data says.
        within: (width, height) of the photos in which the boxes were drawn, where the
            source knows it; None for the photo's own.
    """

    label: str
    corners: tuple[float, float, float, float]
    within: tuple[int, int] | None = None

    def in_photo(self, size: tuple[int, int]) -> LabelledBox | None:
        """The part of the box that is in a photo, in shares of the photo.

        Args:
            size: (width, height) of the photo, in pixels.

        Returns:
            None if no part is, or if the box was drawn in photos of another size.
        """
        if self.within not in (None, size):
            return None
        xmin, ymin, xmax, ymax = (
            min(max(corner / side, 0.0), 1.0)
            for corner, side in zip(self.corners, (*size, *size))
        )
        if xmin >= xmax or ymin >= ymax:
            return None
        return LabelledBox(self.label, ymin, xmin, ymax, xmax)


@dataclasses.dataclass(frozen=True)
class ProductRow:
    """One row of the source's table.

    Attributes:
        id: the shop's product id.
        text: the title, "" where there is none.
        attributes: {attribute: cell, or values of a list} for some of the declared ones.
        photos: arguments of the source's `read_photo`, or photos inside the table, the
            front first.
        objects: labelled boxes, where the source has them.
        split: one of `splits.SPLITS`, where the source has a split of its own; "" for the
            split of `splits.split_of`.
        more: values of the source's `more_features`.
        problem: the reason why this row cannot be used, "" for a good row.
        line: where the row is in the table, as in `tables.table.RawRow`; 0 without one.
    """

    id: str
    text: str
    attributes: Mapping[str, str | Sequence[str]]
    photos: tuple[str | Blob, ...] = ()
    objects: tuple[LabelledBox | PixelBox, ...] = ()
    split: str = ""
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    problem: str = ""
    line: int = 0


class ProductSource(abc.ABC):
    """An opened source, checked as far as is possible without reading photos."""

    @property
    @abc.abstractmethod
    def where(self) -> str:
        """The path of the source, for messages."""

    @property
    def declaration(self) -> Declaration:
        """The attributes of its products; none unless a source has some."""
        return Declaration()

    @property
    def more_features(self) -> Mapping[str, Any]:
        """TFDS features of its Items besides those of all Items; none by default."""
        return {}

    @property
    def has_boxes(self) -> bool:
        """Whether its rows may have `objects`."""
        return False

    @property
    def has_splits(self) -> bool:
        """Whether its rows say their splits."""
        return False

    @abc.abstractmethod
    def rows(self) -> Iterator[ProductRow]:
        """All rows of the table in order."""

    @abc.abstractmethod
    def read_photo(self, photo: str) -> bytes:
        """The bytes of an image file.

        Raises:
            UnreadablePhoto: the reason why there is none.
        """

    def more_in(self, row: ProductRow, photo: bytes) -> Mapping[str, Any]:
        """The `more` of a row as it is in a photo that `clean_photo` has turned upright.

        Args:
            row: one of its rows.
            photo: bytes of the image file, before it is turned.
        """
        del photo  # most values are not of places in it
        return row.more

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """A hash (hex) that changes with the table or a photo; no photo is read for it."""


def content_fingerprint(parts: Iterable[bytes], files: Iterable[tuple[str, str]]) -> str:
    """SHA-256 (hex) of some bytes and of a list of files.

    Args:
        parts: contents that are hashed whole, such as the table.
        files: (name, stamp) of each photo, in any order. The stamp is the size, with the
            checksum where it is available without reading the file.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    for name, stamp in sorted(files):
        digest.update(f"{name}\0{stamp}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
