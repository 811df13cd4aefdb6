"""TFDS builder of COCO's captions by Karpathy's split."""

import tensorflow_datasets as tfds

from fitrank_tf.datasets.mscoco_karpathy.source import UNPACK, MscocoKarpathySource
from fitrank_tf.datasets.public_builder import PublicBuilder


class Builder(PublicBuilder):
    """See README.md."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Karpathy's split, with all captions of a photo."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"To get the data set, {UNPACK}."
    SOURCE = MscocoKarpathySource
    HOMEPAGE = "https://cocodataset.org/"
    LICENSE = "Captions: CC BY 4.0. Photos: under Flickr's terms of use."
