"""Draws the garment of a product by its article type."""

import numpy as np

from fitrank_tf.datasets.synthetic_catalogue.accessories import ACCESSORIES, accessory
from fitrank_tf.datasets.synthetic_catalogue.facets import Facets
from fitrank_tf.datasets.synthetic_catalogue.lower_wear import LOWER_WEAR, lower_wear
from fitrank_tf.datasets.synthetic_catalogue.shapes import Garment
from fitrank_tf.datasets.synthetic_catalogue.upper_wear import UPPER_WEAR, upper_wear

_MAKERS = {
    **dict.fromkeys(UPPER_WEAR, upper_wear),
    **dict.fromkeys(LOWER_WEAR, lower_wear),
    **dict.fromkeys(ACCESSORIES, accessory),
}


def random_garment(rng: np.random.Generator, facets: Facets) -> Garment:
    """The shapes of a random product with these facets."""
    return _MAKERS[facets.article.name](rng, facets)
