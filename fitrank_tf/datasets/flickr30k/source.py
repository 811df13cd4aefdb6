"""Flickr30K's photos as a `ProductSource`, with captions as one of two sources has them."""

from collections.abc import Iterator, Mapping
from typing import Any

from fitrank_tf.core.photos.folder import DiskImageFolder
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.datasets.flickr30k.captions import KarpathyCaptions
from fitrank_tf.datasets.flickr30k.entities import Entities, upright_boxes
from fitrank_tf.datasets.manual_dir import located
from fitrank_tf.datasets.product_source import ProductRow, content_fingerprint
from fitrank_tf.datasets.public_builder import PublicSource

UNPACK = (
    "unpack flickr30k-images.tar.gz to a folder `flickr30k-images`, put beside it "
    "dataset_flickr30k.json from caption_datasets.zip (for flickr30k/karpathy), or "
    "Flickr30k Entities with its annotations.zip unpacked (for flickr30k/entities), and "
    "name the folder of both with --manual_dir"
)
# Kaggle's archive has a folder in a folder of the same name.
_PHOTOS = ("flickr30k-images", "flickr30k_images/flickr30k_images", "flickr30k_images")

# {configuration: where its captions and splits are read}; the first is the default.
CONFIGS: Mapping[str, type[KarpathyCaptions] | type[Entities]] = {
    "karpathy": KarpathyCaptions,
    "entities": Entities,
}


class Flickr30kSource(PublicSource):
    """The folder of photos and the files of one configuration.

    Raises:
        FitRankError: if a folder or file is missing or cannot be read.
    """

    def __init__(self, manual_dir: str, config: str = next(iter(CONFIGS))):
        super().__init__(manual_dir, config)
        self._photos = located(manual_dir, _PHOTOS, UNPACK)
        self._captions = CONFIGS[config](manual_dir, UNPACK)
        self._folder = DiskImageFolder(self._photos)

    @classmethod
    def declaration_of(cls, config: str) -> Declaration:
        return Declaration(attributes=(Attribute("partition"),))

    @classmethod
    def more_features_of(cls, config: str) -> Mapping[str, Any]:
        return CONFIGS[config].more_features()

    @property
    def where(self) -> str:
        return str(self._photos)

    def rows(self) -> Iterator[ProductRow]:
        return self._captions.rows()

    def read_photo(self, photo: str) -> bytes:
        return self._folder.read(photo)

    def more_in(self, row: ProductRow, photo: bytes) -> Mapping[str, Any]:
        return upright_boxes(row.more, photo) if "boxes" in row.more else row.more

    def fingerprint(self) -> str:
        files = [*self._folder.stamps.items(), *self._captions.stamps()]
        return content_fingerprint([], files)
