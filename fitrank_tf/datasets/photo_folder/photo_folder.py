"""TFDS builder of a folder of photos."""

from fitrank_tf.datasets.product_builder import ProductBuilder


class PhotoFolder(ProductBuilder):
    """The photos of one folder as products without title or attributes.

    This suffices to extract features, but not for training or evaluation.
    """

    DESCRIPTION = "A folder of photos; their file names are the product ids."
