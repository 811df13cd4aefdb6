"""The embedded catalogue of products drawn by a program, with exact boxes."""

from fitrank_tf.datasets.synthetic_catalogue.synthetic_catalogue_dataset_builder import (
    DECLARATION,
    SyntheticCatalogue,
    SyntheticCatalogueConfig,
)

__all__ = ["DECLARATION", "SyntheticCatalogue", "SyntheticCatalogueConfig"]
