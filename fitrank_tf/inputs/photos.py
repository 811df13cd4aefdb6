"""tf.data pipelines of a catalogue's photos at a model's input size."""

import logging
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from fitrank_tf.datasets.catalogue import Catalogue
from fitrank_tf.datasets.iteration import chosen_rows
from fitrank_tf.inputs.images import decode_crop, decode_photo

logger = logging.getLogger(__name__)

# Photos of more bytes than this are decoded again in every epoch instead of cached.
_CACHE_BYTES = 6 * 2**30


def photos(catalogue: Catalogue, split: str, size: int) -> tf.data.Dataset:
    """All photos of a split in the order of its records, decoded in parallel.

    Args:
        catalogue: the catalogue to read.
        split: one of `splits.SPLITS`, or `splits.ALL`.
        size: side of the square, in pixels.

    Returns:
        Dataset of uint8 [size, size, 3].
    """
    encoded = catalogue.encoded_items(split).map(lambda item: item["image"])
    return _decoded(encoded, lambda data: decode_photo(data, size), catalogue, split)


def garment_photos(
    catalogue: Catalogue, split: str, size: int, boxes: np.ndarray
) -> tf.data.Dataset:
    """The garment boxes of all photos of a split, in the order of its records.

    Args:
        catalogue: the catalogue to read.
        split: one of `splits.SPLITS`, or `splits.ALL`.
        size: side of the square, in pixels.
        boxes: float32 [N, 4], a box of each product as `images.decode_crop` reads it.

    Returns:
        Dataset of uint8 [size, size, 3].
    """
    encoded = catalogue.encoded_items(split).map(lambda item: item["image"])
    both = tf.data.Dataset.zip(encoded, tf.data.Dataset.from_tensor_slices(boxes))
    return _decoded(both, lambda data, box: decode_crop(data, box, size), catalogue, split)


def _decoded(
    encoded: tf.data.Dataset,
    decode: Callable[..., tf.Tensor],
    catalogue: Catalogue,
    split: str,
) -> tf.data.Dataset:
    decoded = encoded.map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return decoded.apply(
        tf.data.experimental.assert_cardinality(catalogue.num_items(split))
    )


def chosen_photos(photos_in_order: tf.data.Dataset, rows: np.ndarray) -> tf.data.Dataset:
    """Some of the photos, numbered, and cached in memory if they fit.

    Args:
        photos_in_order: from `photos`.
        rows: int [M], ascending, the rows to keep.

    Returns:
        Dataset of (int64 position in `rows`, uint8 [S, S, 3]).
    """
    numbered = chosen_rows(photos_in_order, rows).enumerate()
    height, width, channels = photos_in_order.element_spec.shape
    size = len(rows) * height * width * channels
    if size > _CACHE_BYTES:
        logger.info("%.1f GiB of photos: decoded again in every epoch", size / 2**30)
        return numbered
    return numbered.cache()
