"""The base class of data sets of products without photos, judged for queries."""

import abc
import functools
import io
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

from fitrank_tf.datasets.public_builder import PublicSource

# What `ProductRow.photos` names: builders leave out products without a photo.
NO_PHOTO = "no photo"
_SIDE = 32


class Label(NamedTuple):
    """What a person said of a product for a query.

    Attributes:
        query: text of the query.
        product: id of the product.
        grade: 0 or above.
    """

    query: str
    product: str
    grade: int


class TextOnlySource(PublicSource):
    """Products without photos: each has the same blank one, which says nothing."""

    @property
    def has_splits(self) -> bool:
        return False

    def read_photo(self, photo: str) -> bytes:
        return _blank()

    @abc.abstractmethod
    def labels(self) -> Iterator[Label]:
        """What people said that may be trained on, in the order of the file."""


@functools.cache
def _blank() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (_SIDE, _SIDE), "white").save(file, "PNG")
    return file.getvalue()
