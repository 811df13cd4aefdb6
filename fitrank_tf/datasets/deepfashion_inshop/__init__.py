"""DeepFashion's In-shop Clothes Retrieval: photos of an item by another photo of it."""

from fitrank_tf.datasets.deepfashion_inshop.deepfashion_inshop_dataset_builder import (
    Builder,
)
from fitrank_tf.datasets.deepfashion_inshop.source import DeepFashionInshopSource

__all__ = ["Builder", "DeepFashionInshopSource"]
