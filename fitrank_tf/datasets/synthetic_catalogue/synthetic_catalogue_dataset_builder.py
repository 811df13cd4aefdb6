"""TFDS builder of the embedded catalogue, which needs no download."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import tensorflow_datasets as tfds

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.core.progress import tracked
from fitrank_tf.datasets.attributes import Attribute, Declaration
from fitrank_tf.datasets.fashion_product_images import DECLARATION
from fitrank_tf.datasets.item import item_features
from fitrank_tf.datasets.splits import SPLITS, split_of
from fitrank_tf.datasets.synthetic_catalogue.facets import MORE_FACETS
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
    """Size and seed of an embedded catalogue, and what varies in it.

    Attributes:
        num_items: number of products; a larger catalogue begins with the same products.
        seed: seed of the random products.
        more: which facets of `facets.MORE_FACETS` vary too, and have exact labels.
        name: name of the configuration, made from all, such as "2000_seed0" or
            "2000_seed0_length_fit".
    """

    num_items: int
    seed: int
    more: tuple[str, ...]

    # Explicit, because the generated one would begin with the fields of TFDS.
    def __init__(
        self, num_items: int = 2000, seed: int = 0, more: tuple[str, ...] = ()
    ) -> None:
        """
        Raises:
            FitRankError: unless `num_items` is above 0, `seed` is not negative, and `more`
                are such facets.
        """
        if not _is_whole_number(num_items) or num_items < 1:
            raise FitRankError(f"num_items is {num_items!r}: give a whole number above 0")
        if not _is_whole_number(seed) or seed < 0:
            raise FitRankError(f"seed is {seed!r}: give a whole number, 0 or more")
        if not set(more) <= set(MORE_FACETS):
            raise FitRankError(f"more is {more!r}: give some of {', '.join(MORE_FACETS)}")
        super().__init__(name="_".join((str(num_items), f"seed{seed}", *more)))
        self.num_items = num_items
        self.seed = seed
        self.more = more

    @property
    def declaration(self) -> Declaration:
        """The attributes of the products."""
        drawn = tuple(map(Attribute, self.more))
        return replace(DECLARATION, attributes=(*DECLARATION.attributes, *drawn))


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
            features=item_features(self.builder_config.declaration.names),
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        del dl_manager
        indices: dict[str, list[int]] = {split: [] for split in SPLITS}
        for index in range(self.builder_config.num_items):
            listing = write_listing(
                self.builder_config.seed, index, self.builder_config.more
            )
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
            config = self.builder_config
            product = draw_product(config.seed, index, config.more)
            yield product.id, _example(product, config.declaration)


def _jpeg(image: np.ndarray) -> bytes:
    """Encodes `image`, uint8 [H, W, 3], RGB, as JPEG."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
    return encoded.tobytes()


def _example(product: Product, declaration: Declaration) -> dict[str, Any]:
    """The product as an example of `item_features`."""
    return {
        "id": product.id,
        "image": _jpeg(product.image),
        "text": product.text,
        "attributes": declaration.cells(product.attributes),
        "objects": [
            {
                "bbox": tfds.features.BBox(box.ymin, box.xmin, box.ymax, box.xmax),
                "label": box.label,
            }
            for box in product.boxes
        ],
    }
