"""Kaggle's declaration of attributes, which many tests' products have."""

from fitrank_tf.datasets.fashion_product_images import DECLARATION

ATTRIBUTES, FACETS = DECLARATION.names, DECLARATION.facets
