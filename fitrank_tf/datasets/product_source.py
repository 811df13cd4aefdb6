"""Where a catalogue's products come from: rows of a table, each with one photo."""

import abc
import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping

MISSING_IMAGE = "no image file"
CORRUPT_ENTRY = "image file cannot be read"

# What `<id>` alone may be called in a folder of photos, in the order tried.
PHOTO_SUFFIXES: tuple[str, ...] = (".jpg", ".jpeg", ".png", ".webp")


@dataclasses.dataclass(frozen=True)
class LabelledBox:
    """What is where in a photo, 0..1 of its sides.

    Attributes:
        label: one of `item.OBJECT_CLASSES`.
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
        id: the shop's product id, as the table has it.
        text: the title, "" where there is none.
        attributes: some of `item.ATTRIBUTES`.
        photo: what the source's `read_photo` takes, "" where no photo is known.
        objects: boxes, where the source has them.
        problem: why this row cannot be used, "" for a good row.
    """

    id: str
    text: str
    attributes: Mapping[str, str]
    photo: str
    objects: tuple[LabelledBox, ...] = ()
    problem: str = ""


class ProductSource(abc.ABC):
    """An opened source. Opening it has checked all that needs no photo."""

    @property
    @abc.abstractmethod
    def where(self) -> str:
        """The path of the source, for messages."""

    @abc.abstractmethod
    def rows(self) -> Iterator[ProductRow]:
        """All rows of the table, in its order."""

    @abc.abstractmethod
    def read_photo(self, photo: str) -> bytes:
        """The bytes of an image file.

        Raises:
            UnreadablePhoto: `MISSING_IMAGE` or `CORRUPT_ENTRY`.
        """

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """Changes when the table or a photo does; reads no photo."""


def content_fingerprint(parts: Iterable[bytes], files: Iterable[tuple[str, str]]) -> str:
    """SHA-256 (hex) of some bytes and of a list of files.

    Args:
        parts: bytes that matter in whole, such as the table.
        files: (name, stamp) of each photo, in any order. The stamp is its size, or
            its size and checksum where these are at hand.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    for name, stamp in sorted(files):
        digest.update(f"{name}\0{stamp}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
