"""*Fashion Product Images*, read from Kaggle's archive."""

from fitrank_tf.datasets.fashion_product_images.archive import FashionArchive, open_archive
from fitrank_tf.datasets.fashion_product_images.fashion_product_images import (
    FashionProductImages,
)

__all__ = ["FashionArchive", "FashionProductImages", "open_archive"]
