"""TFDS builder of ModaNet."""

from fitrank_tf.datasets.product_builder import ProductBuilder


class ModaNet(ProductBuilder):
    """ModaNet (Zheng et al., "ModaNet: A Large-Scale Street Fashion Dataset with Polygon
    Annotations", 2018): each photo an Item whose `objects` are boxes around polygons.
    """

    DESCRIPTION = "ModaNet: street photos with boxes of garments and accessories."
