"""*Fashion Product Images*, read from Kaggle's archive."""

from fitrank_tf.datasets.fashion_product_images.archive import FashionArchive, open_archive
from fitrank_tf.datasets.fashion_product_images.fashion_product_images import (
    FashionProductImages,
)
from fitrank_tf.datasets.fashion_product_images.styles_csv import DECLARATION

__all__ = ["DECLARATION", "FashionArchive", "FashionProductImages", "open_archive"]
