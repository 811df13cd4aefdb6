"""DeepFashion's Consumer-to-shop Clothes Retrieval: a shop's photo by a consumer's."""

from fitrank_tf.datasets.deepfashion_consumer_to_shop.deepfashion_consumer_to_shop_dataset_builder import (  # noqa: E501
    Builder,
)
from fitrank_tf.datasets.deepfashion_consumer_to_shop.source import (
    DeepFashionConsumerToShopSource,
)

__all__ = ["Builder", "DeepFashionConsumerToShopSource"]
