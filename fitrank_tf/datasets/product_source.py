"""The interface of the sources of catalogues: rows of a table, each with photos."""

import abc
import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping


@dataclasses.dataclass(frozen=True)
class LabelledBox:
    """A labelled box in a photo.

    Attributes:
        label: one of `item.OBJECT_CLASSES`.
        ymin, xmin, ymax, xmax: the box in 0..1 of the photo's height and width.
    """

    label: str
    ymin: float
    xmin: float
    ymax: float
    xmax: float


@dataclasses.dataclass(frozen=True)
class ProductRow:
    """One row of the source's table.

    Attributes:
        id: the shop's product id, as in the table.
        text: the title, "" where there is none.
        attributes: {attribute: value} for some of `item.ATTRIBUTES`.
        photos: arguments of the source's `read_photo`, the front first; an image file that
            the table itself holds is given as its bytes.
        objects: labelled boxes, where the source has them.
        problem: the reason why this row cannot be used, "" for a good row.
    """

    id: str
    text: str
    attributes: Mapping[str, str]
    photos: tuple[str | bytes, ...] = ()
    objects: tuple[LabelledBox, ...] = ()
    problem: str = ""


class ProductSource(abc.ABC):
    """An opened source, checked as far as is possible without reading photos."""

    @property
    @abc.abstractmethod
    def where(self) -> str:
        """The path of the source, for messages."""

    @abc.abstractmethod
    def rows(self) -> Iterator[ProductRow]:
        """All rows of the table in order."""

    @abc.abstractmethod
    def read_photo(self, photo: str) -> bytes:
        """The bytes of an image file.

        Raises:
            UnreadablePhoto: the reason why there is none.
        """

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
