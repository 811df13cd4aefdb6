"""Features and embeddings of all products by the models of a trained bundle."""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fitrank_tf.datasets.splits import ALL
from fitrank_tf.export.loaded_bundle import LoadedBundle
from fitrank_tf.export.signatures import DEFAULT_SIGNATURE
from fitrank_tf.features.extract import FeatureExtractor
from fitrank_tf.inputs.photos import photos
from fitrank_tf.queries.lexicon import FacetLexicon
from fitrank_tf.training.products import RunProducts
from fitrank_tf.training.stage import Stage
from fitrank_tf.training.stages.known_products import ProductEmbeddings, ProductFeatures
from fitrank_tf.training.work_dir import WorkDir

_FEATURES, _EMBEDDINGS = "features.npy", "embeddings.npy"


class BundleProductsStage(ProductFeatures, ProductEmbeddings):
    """Stands for a bundle's own features and towers, where their stages are not kept.

    Args:
        work: keeps the stage's folder.
        products: products of the run, all of which are embedded.
        bundle: trained on these products.
    """

    name = "bundle_products"

    def __init__(self, work: WorkDir, products: RunProducts, bundle: LoadedBundle):
        super().__init__(work)
        self._products, self._bundle = products, bundle
        self.schema = bundle.info.schema

    @property
    def inputs(self) -> tuple[Stage, ...]:
        return ()

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "catalogue": self._products.catalogue.fingerprint,
            "bundle": self._bundle.fingerprint,
        }

    @cached_property
    def values(self) -> np.ndarray:
        return np.load(self.folder / _FEATURES)

    @cached_property
    def embeddings(self) -> np.ndarray:
        return np.load(self.folder / _EMBEDDINGS)

    def query_encoder(self, lexicon: FacetLexicon) -> Callable[..., Any]:
        return self._bundle.model("query_encoder").signatures[DEFAULT_SIGNATURE]

    def make(self, folder: Path) -> None:
        """Extracts the features of every photo of the catalogue, and embeds it."""
        catalogue, bundle = self._products.catalogue, self._bundle
        extractor = FeatureExtractor(bundle.feature_models)
        count = len(self._products.records)
        features = extractor.extract(catalogue.items(ALL), count)
        np.save(folder / _FEATURES, features)
        pictures = photos(catalogue, ALL, bundle.info.image_size)
        np.save(folder / _EMBEDDINGS, bundle.embed_photos(pictures, features))
