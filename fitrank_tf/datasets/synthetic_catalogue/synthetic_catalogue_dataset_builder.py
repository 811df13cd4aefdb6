"""TFDS builder of the embedded catalogue, which needs no download."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import tracked
from fitrank_tf.datasets.fashion_product_images import DECLARATION
from fitrank_tf.datasets.item import item_features
from fitrank_tf.datasets.splits import SPLITS, split_of
from fitrank_tf.datasets.synthetic_catalogue.product import (
    Product,
    draw_product,
    write_listing,
)

# High enough that JPEG blocks do not affect the features of a photo.
_JPEG_QUALITY = 92


def _is_whole_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(eq=False, init=False)
class SyntheticCatalogueConfig(tfds.core.BuilderConfig):
    """Size and seed of an embedded catalogue.

    Attributes:
        num_items: number of products; a larger catalogue begins with the same products.
        seed: seed of the random products.
        name: name of the configuration, made from both, such as "2000_seed0".
    """

    num_items: int
    seed: int

    # Explicit, because the generated one would begin with the fields of TFDS.
    def __init__(self, num_items: int = 2000, seed: int = 0) -> None:
        """
        Raises:
            FitRankError: unless `num_items` is above 0 and `seed` is not negative.
        """
        if not _is_whole_number(num_items) or num_items < 1:
            raise FitRankError(f"num_items is {num_items!r}: give a whole number above 0")
        if not _is_whole_number(seed) or seed < 0:
            raise FitRankError(f"seed is {seed!r}: give a whole number, 0 or more")
        super().__init__(name=f"{num_items}_seed{seed}")
        self.num_items = num_items
        self.seed = seed


class SyntheticCatalogue(tfds.core.GeneratorBasedBuilder):
    """Drawn products with titles, attributes and exact boxes.

    Example:
        builder = SyntheticCatalogue(config=SyntheticCatalogueConfig(num_items=40))
        builder.download_and_prepare()
        items = builder.as_dataset(split="train")
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {
        "1.0.0": "Seventeen article types; boxes of garment, sleeves, neckline."
    }
    BUILDER_CONFIGS = [SyntheticCatalogueConfig()]

    def __init__(
        self, *, config: SyntheticCatalogueConfig | str | None = None, **kwargs: Any
    ) -> None:
        # TFDS refuses a config that has the name of a declared one but is another object.
        if isinstance(config, SyntheticCatalogueConfig):
            config = self.builder_configs.get(config.name, config)
        super().__init__(config=config, **kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="Drawn products with titles, attributes and exact boxes.",
            features=item_features(DECLARATION.names),
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        del dl_manager
        indices: dict[str, list[int]] = {split: [] for split in SPLITS}
        for index in range(self.builder_config.num_items):
            listing = write_listing(self.builder_config.seed, index)
            indices[split_of(listing.id, listing.text)].append(index)
        # TFDS cannot write a split that has no item.
        return {
            split: self._generate_examples(tracked(members, f"drawing {split}", "products"))
            for split, members in indices.items()
            if members
        }

    def _generate_examples(
        self, indices: Iterable[int]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for index in indices:
            product = draw_product(self.builder_config.seed, index)
            yield product.id, _example(product)


def _jpeg(image: np.ndarray) -> bytes:
    """Encodes `image`, uint8 [H, W, 3], RGB, as JPEG."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
    return encoded.tobytes()


def _example(product: Product) -> dict[str, Any]:
    """The product as an example of `item_features`."""
    return {
        "id": product.id,
        "image": _jpeg(product.image),
        "text": product.text,
        "attributes": DECLARATION.cells(product.attributes),
        "objects": [
            {
                "bbox": tfds.features.BBox(box.ymin, box.xmin, box.ymax, box.xmax),
                "label": box.label,
            }
            for box in product.boxes
        ],
    }
