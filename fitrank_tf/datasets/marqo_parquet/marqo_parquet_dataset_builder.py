"""TFDS builder of Marqo's fashion corpora."""

import tensorflow_datasets as tfds

from fitrank_tf.datasets.marqo_parquet.source import (
    CONFIGS,
    UNPACK,
    MarqoParquetSource,
)
from fitrank_tf.datasets.public_builder import PublicBuilder


class Builder(PublicBuilder):
    """See README.md."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "KAGL, Fashion200k, Atlas and Polyvore."}
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name, description=f"Marqo's corpus {name}.")
        for name in CONFIGS
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"To get the data set, {UNPACK}."
    SOURCE = MarqoParquetSource
    HOMEPAGE = "https://github.com/marqo-ai/marqo-FashionCLIP"
    LICENSE = "Copyright of texts and photos: the shops; for research."
