"""TFDS builder of DeepFashion's In-shop Clothes Retrieval."""

import tensorflow_datasets as tfds

from fitrank_tf.datasets.deepfashion_inshop.source import DeepFashionInshopSource
from fitrank_tf.datasets.public_builder import PublicBuilder


class Builder(PublicBuilder):
    """See README.md."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Photos with their item, description, attributes and box."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"To get the data set, {DeepFashionInshopSource.UNPACK}."
    SOURCE = DeepFashionInshopSource
    HOMEPAGE = "https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion/InShopRetrieval.html"
    LICENSE = "For non-commercial research only."
