"""TFDS builder of WANDS."""

import tensorflow_datasets as tfds

from fitrank_tf.datasets.public_builder import PublicBuilder
from fitrank_tf.datasets.wands.source import UNPACK, WandsSource


class Builder(PublicBuilder):
    """See README.md."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "The products, without photos."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"To get the data set, {UNPACK}."
    SOURCE = WandsSource
    HOMEPAGE = "https://github.com/wayfair/WANDS"
    LICENSE = "MIT"
