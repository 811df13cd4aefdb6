"""Annotated products as Items: photos of the catalogue with annotated boxes."""

from collections.abc import Sequence

import tensorflow as tf

from fitrank_tf.core.errors import FitRankError
from fitrank_tf.datasets.annotations.annotation_file import AnnotatedProduct
from fitrank_tf.datasets.catalogue import Catalogue
from fitrank_tf.datasets.item import OBJECT_CLASSES
from fitrank_tf.datasets.splits import ALL, TRAIN


def annotated_items(
    catalogue: Catalogue, products: Sequence[AnnotatedProduct], split: str
) -> tf.data.Dataset:
    """Items of the annotated products of a split, with `objects` from the annotations.

    Args:
        catalogue: the annotated catalogue.
        products: from `read_annotations`.
        split: split of the annotations, "train" or "test".

    Returns:
        Dataset of Items in the catalogue's order, as from `Catalogue.items`.

    Raises:
        FitRankError: if none of the products is in the catalogue, or if one that is marked
            "train" is not in the catalogue's training split.
    """
    records = catalogue.records(ALL)
    wanted = {product.id: product for product in products if product.split == split}
    found = [row for row, item_id in enumerate(records.ids) if item_id in wanted]
    if not found:
        raise FitRankError(
            f"none of the {len(wanted)} products annotated for {split} is in the "
            "catalogue; name the one that was annotated"
        )
    leaked = [records.ids[row] for row in found if records.splits[row] != TRAIN]
    if split == TRAIN and leaked:
        raise FitRankError(
            f"product {leaked[0]!r} is annotated to train on, but the catalogue keeps it "
            "for testing; mark it test"
        )
    seen = [wanted[records.ids[row]] for row in found]
    objects = tf.data.Dataset.from_tensor_slices(
        {
            "bbox": tf.ragged.constant(
                [_corners(product) for product in seen], ragged_rank=1, inner_shape=(4,)
            ),
            "label": tf.ragged.constant(
                [_labels(product) for product in seen], dtype=tf.int64
            ),
        }
    )
    return tf.data.Dataset.zip(catalogue.chosen_items(found), objects).map(
        lambda item, boxes: {**item, "objects": boxes}
    )


def _corners(product: AnnotatedProduct) -> list[list[float]]:
    """[ymin, xmin, ymax, xmax] of each box in 0..1 of the photo, as in TFDS."""
    return [
        [
            box.ymin / product.height,
            box.xmin / product.width,
            box.ymax / product.height,
            box.xmax / product.width,
        ]
        for box in product.boxes
    ]


def _labels(product: AnnotatedProduct) -> list[int]:
    return [OBJECT_CLASSES.index(box.label) for box in product.boxes]
