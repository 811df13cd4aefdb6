"""TFDS builder of DeepFashion-MultiModal."""

import tensorflow_datasets as tfds

from fitrank_tf.datasets.deepfashion_multimodal.source import DeepFashionMultimodalSource
from fitrank_tf.datasets.public_builder import PublicBuilder


class Builder(PublicBuilder):
    """See README.md."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Photos with their caption and labels of their garment."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"To get the data set, {DeepFashionMultimodalSource.UNPACK}."
    )
    SOURCE = DeepFashionMultimodalSource
    HOMEPAGE = "https://github.com/yumingj/DeepFashion-MultiModal"
    LICENSE = "For non-commercial research only; not to be redistributed."
