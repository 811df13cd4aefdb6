"""TFDS builder of DeepFashion's Consumer-to-shop Clothes Retrieval."""

import tensorflow_datasets as tfds

from fitrank_tf.datasets.deepfashion_consumer_to_shop.source import (
    DeepFashionConsumerToShopSource,
)
from fitrank_tf.datasets.public_builder import PublicBuilder


class Builder(PublicBuilder):
    """See README.md."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Photos of shops and consumers with their item and box."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"To get the data set, {DeepFashionConsumerToShopSource.UNPACK}."
    )
    SOURCE = DeepFashionConsumerToShopSource
    HOMEPAGE = (
        "https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion/Consumer2ShopRetrieval.html"
    )
    LICENSE = "For non-commercial research only."
