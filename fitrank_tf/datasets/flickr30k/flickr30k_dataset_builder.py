"""TFDS builder of Flickr30K."""

import tensorflow_datasets as tfds

from fitrank_tf.datasets.flickr30k.source import CONFIGS, UNPACK, Flickr30kSource
from fitrank_tf.datasets.public_builder import PublicBuilder


class Builder(PublicBuilder):
    """See README.md."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Karpathy's split; phrases and boxes of Entities."}
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name, description=reader.DESCRIPTION)
        for name, reader in CONFIGS.items()
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"To get the data set, {UNPACK}."
    SOURCE = Flickr30kSource
    HOMEPAGE = "https://shannon.cs.illinois.edu/DenotationGraph/"
    LICENSE = "Copyright of the photos: their authors, on Flickr; for research."
