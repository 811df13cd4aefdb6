"""The embedded catalogue of products drawn by a program, with exact boxes."""

from fitrank_tf.datasets.synthetic_catalogue.synthetic_catalogue_dataset_builder import (
    SyntheticCatalogue,
    SyntheticCatalogueConfig,
)

__all__ = ["SyntheticCatalogue", "SyntheticCatalogueConfig"]
