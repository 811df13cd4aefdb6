"""TFDS builder of Amazon's Shopping Queries."""

import tensorflow_datasets as tfds

from fitrank_tf.datasets.esci.source import CONFIGS, UNPACK, EsciSource
from fitrank_tf.datasets.public_builder import PublicBuilder


class Builder(PublicBuilder):
    """See README.md."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "The judged products, without photos."}
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name, description=f"Judged products of {name}.")
        for name in CONFIGS
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"To get the data set, {UNPACK}."
    SOURCE = EsciSource
    HOMEPAGE = "https://github.com/amazon-science/esci-data"
    LICENSE = "Apache 2.0"
