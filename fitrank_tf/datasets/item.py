"""The Item: the one schema that every catalogue builder emits.

| field        | type                  | meaning                                     |
|--------------|-----------------------|---------------------------------------------|
| `id`         | string                | the shop's product id                       |
| `image`      | uint8 [H, W, 3]       | one product photo, RGB                      |
| `text`       | string                | the product's title                         |
| `attributes` | {name: string}        | as declared; "" where the source has none   |
| `objects`    | [{bbox, label}]       | boxes, empty where the source has none      |

Each catalogue declares its own attributes (`attributes.Declaration`); without any, an Item
has no field `attributes`. They define relevance (judgments) and supervise training. They
are never an input of a model: models read only the pixels and the query.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow_datasets as tfds

# Classes of the detector: eleven classes of whole products, of which each photo has one,
# and two classes of parts of a garment.
PRODUCT_CLASSES: tuple[str, ...] = (
    "top",
    "bottom",
    "one-piece",
    "outerwear",
    "footwear",
    "bag",
    "eyewear",
    "watch",
    "headwear",
    "belt/tie",
    "other",
)
PART_CLASSES: tuple[str, ...] = ("sleeve", "neckline")
OBJECT_CLASSES: tuple[str, ...] = PRODUCT_CLASSES + PART_CLASSES


def item_features(
    attributes: Sequence[str], more: Mapping[str, Any] | None = None
) -> tfds.features.FeaturesDict:
    """The TFDS features of an Item.

    `image` is written as JPEG or PNG bytes and decodes to uint8 [H, W, 3]. A box is
    [ymin, xmin, ymax, xmax] in 0..1 of the image, as in TFDS' `BBoxFeature`.

    Args:
        attributes: names of the catalogue's attributes.
        more: TFDS features that only this catalogue's Items have, such as captions.
    """
    texts = {name: tfds.features.Text() for name in attributes}
    # TFDS cannot store a dictionary without fields.
    declared = {"attributes": tfds.features.FeaturesDict(texts)} if texts else {}
    return tfds.features.FeaturesDict(
        {
            "id": tfds.features.Text(),
            "image": tfds.features.Image(shape=(None, None, 3)),
            "text": tfds.features.Text(),
            **declared,
            "objects": tfds.features.Sequence(
                {
                    "bbox": tfds.features.BBoxFeature(),
                    "label": tfds.features.ClassLabel(names=list(OBJECT_CLASSES)),
                }
            ),
            **(more or {}),
        }
    )
