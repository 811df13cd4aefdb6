"""TFDS builder of INRIA Holidays."""

import tensorflow_datasets as tfds

from fitrank_tf.datasets.inria_holidays.source import UNPACK, InriaHolidaysSource
from fitrank_tf.datasets.public_builder import PublicBuilder


class Builder(PublicBuilder):
    """See README.md."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Photos upright, with the number of their scene."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"To get the data set, {UNPACK}."
    SOURCE = InriaHolidaysSource
    HOMEPAGE = "https://lear.inrialpes.fr/~jegou/data.php"
    LICENSE = "Copyright of the photos: their authors, INRIA; for research."
