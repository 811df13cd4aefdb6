"""TFDS builder of DeepFashion's Category and Attribute Prediction."""

import tensorflow_datasets as tfds

from fitrank_tf.datasets.deepfashion_attributes.source import DeepFashionAttributesSource
from fitrank_tf.datasets.public_builder import PublicBuilder


class Builder(PublicBuilder):
    """See README.md."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Photos with their category, attributes and box."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"To get the data set, {DeepFashionAttributesSource.UNPACK}."
    )
    SOURCE = DeepFashionAttributesSource
    HOMEPAGE = "https://mmlab.ie.cuhk.edu.hk/projects/DeepFashion/AttributePrediction.html"
    LICENSE = "For non-commercial research only."
