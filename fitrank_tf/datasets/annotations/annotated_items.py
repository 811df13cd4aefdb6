"""Annotated products as Items: the catalogue's photos with the boxes that people drew."""

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
    """Items of the products annotated for a split, `objects` from the annotations.

    Args:
        catalogue: the one that was annotated.
        products: as `read_annotations` gives them.
        split: "train" or "test", as the annotations mark it.

    Returns:
        Items in the catalogue's order, as `Catalogue.items` gives them.

    Raises:
        FitRankError: if the catalogue has none of them, or has one that is marked
            "train" outside its training split.
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
    """[ymin, xmin, ymax, xmax] in 0..1 of the photo, as TFDS has it."""
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
